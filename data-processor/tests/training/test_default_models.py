"""The default models of the first dataset of texts: planted once, and there to stay."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from data_processor.app import create_app
from data_processor.rows import DatasetRow, ModelRow, RunRow, VersionRow
from data_processor.runs.service import Runs
from data_processor.service.database import now
from data_processor.training.default_models import plant_defaults

SCHEMA = {
    "task": "text-classification",
    "target": "toxic",
    "columns": [{"name": "comment", "kind": "text"}, {"name": "toxic", "kind": "categorical"}],
    "classes": ["no", "yes"],
}
NAMES = ["comments-logistic-regression", "comments-linear-svc", "comments-naive-bayes"]


@pytest.fixture
def plant(world: Any) -> Callable[..., list[str]]:
    """Store a dataset and plant what belongs to it."""

    def make(name: str = "comments", task: str = "text-classification") -> list[str]:
        with world.database.transaction() as session:
            row = DatasetRow(name=name, task=task, schema=SCHEMA, state="ready")
            session.add(row)
            return plant_defaults(session, Runs(world.database, "main"), row)

    return make


@pytest.fixture
def boss(world: Any, acting_as: Callable[..., Any]) -> Iterator[TestClient]:
    """Call as a maintainer."""
    with TestClient(create_app(world.settings)) as client:
        client.auth = acting_as("max", "maintainer")
        yield client


def test_the_first_dataset_of_texts_gets_a_model_of_each_kind_with_a_run(world: Any, plant: Any) -> None:
    assert plant() == NAMES
    with world.database.reading() as session:
        runs = list(session.scalars(select(RunRow)))
        models = {row.name: row for row in session.scalars(select(ModelRow))}

    assert {row.model: row.options["candidates"] for row in runs} == {
        name: [{"estimator": name.removeprefix("comments-")}] for name in NAMES
    }
    assert all(row.trigger == "initial" for row in runs)
    assert {name for name, row in models.items() if row.built_in} == set(NAMES)
    assert len({row.salt for row in models.values()}) == len(models)


def test_later_datasets_and_tables_get_none(plant: Any) -> None:
    assert plant("people", "tabular-classification") == []
    assert plant() == NAMES
    assert plant("more-comments") == []


def test_a_name_that_is_taken_or_too_long_is_no_obstacle(world: Any, plant: Any) -> None:
    _add_model(world, f"{'c' * 43}-logistic-regression")
    first, second, third = plant("c" * 63)

    assert first == f"{'c' * 41}-logistic-regression-2"
    assert all(len(name) <= 63 for name in (second, third))


def test_default_models_cannot_be_removed_and_all_others_can_at_once(
    world: Any, plant: Any, boss: TestClient
) -> None:
    plant()
    _add_model(world, "my-comments", dataset="comments")
    _add_model(world, "elsewhere")
    _add_version(world, NAMES[0], "1")
    _add_version(world, NAMES[0], "2")
    world.promote("1")

    refused = boss.delete(f"/v1/models/{NAMES[0]}")
    assert (refused.status_code, "default model" in refused.json()["detail"]) == (409, True)
    refused = boss.delete(f"/v1/models/{NAMES[0]}/versions/1")
    assert (refused.status_code, "default model" in refused.json()["detail"]) == (409, True)
    assert boss.delete(f"/v1/models/{NAMES[0]}/versions").json() == {"deleted": ["2"]}

    assert boss.delete("/v1/models", params={"dataset": "comments"}).json()["deleted"] == ["my-comments"]
    swept = boss.delete("/v1/models").json()
    assert swept["deleted"] == ["elsewhere"]
    assert swept["kept"].keys() == {*NAMES, "census-income"}
    assert "stage 'main' points to it" in swept["kept"]["census-income"]
    listed = {model["name"]: model["built_in"] for model in boss.get("/v1/models").json()}
    assert listed == {**dict.fromkeys(NAMES, True), "census-income": False}


def test_a_model_whose_gate_held_says_what_can_be_done(world: Any, plant: Any, boss: TestClient) -> None:
    plant()
    receipt = {"verdict": "hold", "reason": "That may be chance: p = 0.09."}
    _add_version(world, NAMES[0], "1", receipt)

    shown = boss.get(f"/v1/models/{NAMES[0]}").json()
    refused = boss.post(f"/v1/models/{NAMES[0]}/predictions", json={"inputs": [{"comment": "hello"}]})
    assert refused.status_code == 503
    for said in (shown["problem"], refused.json()["detail"]):
        assert "verdict on version 1" in said
        assert "'hold'. That may be chance: p = 0.09." in said
        assert '"version": "1"' in said


def _add_model(world: Any, name: str, dataset: str = "census-income") -> None:
    with world.database.transaction() as session:
        session.add(
            ModelRow(
                name=name, task="tabular-classification", dataset=dataset, target="y", salt="s", policy={}
            )
        )


def _add_version(world: Any, model: str, version: str, receipt: dict[str, Any] | None = None) -> None:
    manifest = world.registry.manifest("census-income", "1").model_dump(mode="json")
    manifest |= {"model": model, "version": version, "receipt": receipt or manifest["receipt"]}
    with world.database.transaction() as session:
        session.add(
            VersionRow(model=model, version=version, manifest=manifest, artefact_uri="", created_at=now())
        )

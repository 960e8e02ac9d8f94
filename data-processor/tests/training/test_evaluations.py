from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient

from data_processor.app import create_app
from data_processor.database import DatasetRow
from data_processor.datasets.census import make_table, schema_of
from data_processor.datasets.store import DatasetStore
from data_processor.training.plan import repository

M = "census-income"
PATH = f"/v1/models/{M}/evaluations"


@pytest.fixture
def engineer(new_world: Callable[..., Any], headers: Any) -> Any:
    """Call as an engineer, in a world whose datasets are stored under DVC."""
    world = new_world()
    store = DatasetStore(world.database, repository(world.settings))
    for name, seed, drift in ((M, 7, 0.0), (M, 7, 1.0), ("elsewhere", 21, 0.0)):
        table = make_table(400 if name == M else 300, seed=seed, drift=drift)
        store.add_upload(name, table, schema_of(table), request=f"{name}-{drift}")
    with world.database.transaction() as session:
        session.add(DatasetRow(name="storing", task="tabular-classification", schema={}, state="storing"))
    with TestClient(create_app(world.settings), headers=headers("eve", "engineer")) as client:
        yield client


def test_versions_are_compared_on_rows_none_of_them_was_fitted_to(engineer: TestClient) -> None:
    answer = engineer.post(PATH, json={"versions": ["1", "2", "3"]})
    assert answer.status_code == 200, answer.text
    found = answer.json()
    rows = found["rows"]
    assert (rows["dataset"], rows["dataset_version"]) == (M, 2)
    assert 40 < rows["used"] < 120
    assert rows["used"] + rows["left_out"] == 400
    assert "never fitted to" in rows["which"]
    assert found["classes"] == ["<=50K", ">50K"]
    one, two, three = found["versions"]
    assert sum(map(sum, one["confusion"])) == rows["used"]
    assert [curves["label"] for curves in two["curves"]] == [">50K"]
    assert three["metrics"] == pytest.approx(one["metrics"], abs=1e-4)  # the same model on another engine
    assert {line["version"] for line in found["differences"]} == {"2", "3"}

    other = engineer.post(PATH, json={"versions": ["1"], "dataset": "elsewhere"}).json()
    assert other["rows"]["dataset"] == "elsewhere"
    assert other["rows"]["used"] > 280
    assert "not among those" in other["rows"]["which"]
    assert other["differences"] == []


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({"versions": ["9"]}, 404, "no version '9'"),
        ({"versions": ["1"], "dataset": "nope"}, 404, "no dataset 'nope'"),
        ({"versions": ["1"], "dataset": "storing"}, 409, "storing"),
        ({"versions": ["1", "1"]}, 422, "not evaluated"),
        ({"versions": []}, 422, ""),
    ],
)
def test_what_cannot_be_evaluated_is_named(
    engineer: TestClient, body: dict[str, Any], status: int, said: str
) -> None:
    answer = engineer.post(PATH, json=body)
    assert answer.status_code == status
    assert said in answer.json()["detail"]

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from data_processor.app import create_app
from data_processor.datasets.census import make_table, schema_of
from data_processor.datasets.version_store import VersionStore, repository
from data_processor.rows import DatasetRow

M = "census-income"
PATH = f"/v1/models/{M}/evaluations"


@pytest.fixture
def world(new_world: Callable[..., Any], carry_out_runs: Callable[..., None]) -> Iterator[Any]:
    """A world whose datasets are stored under DVC, and in which runs are carried out."""
    world = new_world()
    store = VersionStore(world.database, repository(world.settings))
    for name, seed, drift in ((M, 7, 0.0), (M, 7, 1.0), ("elsewhere", 21, 0.0)):
        table = make_table(400 if name == M else 300, seed=seed, drift=drift)
        store.add_upload(name, table, schema_of(table), request=f"{name}-{drift}")
    with world.database.transaction() as session:
        session.add(DatasetRow(name="storing", task="tabular-classification", schema={}, state="storing"))
    stopping = threading.Event()

    def work() -> None:
        while not stopping.wait(0.05):
            carry_out_runs(world.settings, world.database)

    worker = threading.Thread(target=work)
    worker.start()
    yield world
    stopping.set()
    worker.join()


@pytest.fixture
def engineer(world: Any, acting_as: Any) -> Iterator[TestClient]:
    """Call as an engineer."""
    with TestClient(create_app(world.settings)) as client:
        client.auth = acting_as("eve", "engineer")
        yield client


@pytest.mark.usefixtures("tasks")
def test_versions_are_compared_on_rows_none_of_them_was_fitted_to(engineer: TestClient) -> None:
    answer = engineer.post(PATH, json={"versions": ["1", "2", "3"]})
    assert answer.status_code == 200, answer.text
    found = answer.json()
    rows = found["rows"]
    assert (rows["dataset"], rows["dataset_version"]) == (M, 2)
    assert 40 < rows["used"] < 120
    assert rows["used"] + rows["left_out"] == 400
    assert "no version is ever fitted" in rows["which"]
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

    second, first = engineer.get("/v1/runs?kind=evaluation").json()
    assert (first["model"], first["dataset"], first["dataset_version"]) == (M, M, 2)
    assert (first["status"], first["subject"], first["progress"]) == ("succeeded", "eve", 1.0)
    assert first["reason"] == "eve compares versions 1, 2, 3."
    assert (second["dataset"], second["error"]) == ("elsewhere", None)
    detail = engineer.get(f"/v1/runs/{first['id']}").json()
    assert detail["result"] == found
    assert [step["step"] for step in detail["steps"]] == ["assess"]


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


@pytest.mark.usefixtures("tasks")
def test_a_dataset_that_does_not_suit_fails_the_run_that_found_out(engineer: TestClient, world: Any) -> None:
    store = VersionStore(world.database, repository(world.settings))
    table = make_table(60, seed=3).drop(columns="age")
    store.add_upload("ageless", table, schema_of(table), request="ageless")
    answer = engineer.post(PATH, json={"versions": ["1"], "dataset": "ageless"})
    assert answer.status_code == 409
    assert "has no column 'age'" in answer.json()["detail"]
    run = engineer.get(f"/v1/runs/{answer.json()['run']}").json()
    assert (run["status"], run["error"]) == ("failed", answer.json()["detail"])
    assert "has no column 'age'" in engineer.get(f"/v1/runs/{run['id']}/logs").text

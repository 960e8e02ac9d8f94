"""A new task is one entry in the registry: trained, served, explained and scored without another line."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
from fastapi.testclient import TestClient

from data_processor.app import create_app
from data_processor.rows import RunRow
from data_processor.tasks.registry import register, unregister
from toy_task import NAME, ToyTask

TABLE = "toys"


@pytest.fixture
def toy() -> Iterator[None]:
    """Register the toy task for a while."""
    register(ToyTask())
    yield
    unregister(NAME)


def toys(rows: int) -> pd.DataFrame:
    draw = np.random.default_rng(7)
    kind = draw.choice(["ball", "brick", "bear"], rows)
    middle = np.select([kind == "ball", kind == "brick"], [0.0, 4.0], 8.0)
    frame = pd.DataFrame({"weight": middle + draw.normal(0, 1, rows), "size": draw.normal(0, 1, rows)})
    return frame.round(3).assign(kind=kind)


def check_answers(client: TestClient) -> None:
    """Predict, explain and give feedback."""
    rows = [{"weight": weight, "size": 0.1} for weight in (0.0, 4.0, 8.0)] * 4
    predictions = client.post("/v1/models/toy/predictions", json={"inputs": rows}).json()["predictions"]
    assert [one["label"] for one in predictions[:3]] == ["ball", "brick", "bear"]
    moved = client.get(f"/v1/predictions/{predictions[0]['id']}/explanation").json()
    assert moved["method"] == "guessing"
    for one in predictions:
        said = client.post(f"/v1/predictions/{one['id']}/feedback", json={"correct": True})
        assert said.status_code == 201, said.text
    wrong = {"correct": False, "label": "boat"}
    refused = client.post(f"/v1/predictions/{predictions[0]['id']}/feedback", json=wrong)
    assert refused.status_code == 422
    score = client.get("/v1/models/toy/score").json()
    assert (score["value"], score["n"]) == (1.0, 12)


def check_live(client: TestClient, shop: Any) -> None:
    """Learn live, and take what was learnt to the gate."""
    asked = {"epochs": 3, "hyperparameters": {"learning_rate": 0.02}}
    started = client.post("/v1/models/toy/live-runs", json=asked)
    assert started.status_code == 202, started.text
    run = started.json()["id"]
    assert shop.carry_out(run).status == "succeeded"
    assert client.get(f"/v1/runs/{run}/live").json()["best"]["value"] > 0.5
    kept = client.post(f"/v1/runs/{run}/keep", json={}).json()["id"]
    done = shop.carry_out(kept)
    assert (done.status, done.error) == ("succeeded", None)
    assert done.gate["live"]["run"] == run


@pytest.mark.usefixtures("toy", "children_in_process")
def test_a_task_that_is_registered_goes_from_an_upload_to_a_score(
    new_workshop: Callable[..., Any],
    as_engineer: Callable[[Any], Any],
    wait_until: Callable[..., None],
) -> None:
    shop = new_workshop()

    def carry_out(kind: str) -> RunRow:
        (row,) = [one for one in shop.rows(RunRow) if one.kind == kind and one.status == "queued"]
        done: RunRow = shop.carry_out(row.id)
        return done

    with TestClient(create_app(shop.settings)) as client:
        client.auth = as_engineer
        assert NAME in [task["task"] for task in client.get("/v1/tasks").json()]

        content = toys(900).to_csv(index=False).encode()
        uploaded = client.post("/v1/datasets", data={"name": TABLE}, files={"file": ("toys.csv", content)})
        assert uploaded.status_code == 201, uploaded.text
        text = {"target": "kind", "columns": {"size": {"kind": "categorical"}}, "task": NAME}
        refused = client.put(f"/v1/datasets/{TABLE}/schema", json=text)
        assert refused.json()["errors"] == [
            {"loc": ["body", "columns", "size", "kind"], "message": "A toy is a number."}
        ]
        confirmed = client.put(f"/v1/datasets/{TABLE}/schema", json={"target": "kind"})
        assert confirmed.status_code == 202, confirmed.text
        assert carry_out("dataset").status == "succeeded"
        assert client.get(f"/v1/datasets/{TABLE}").json()["task"] == NAME  # it is the one that suits best

        policy = {"budget_s": 1, "min_feedback": 10}
        asked: dict[str, Any] = {
            "name": "toy",
            "dataset": TABLE,
            "policy": policy,
            "selection_metric": "rmse",
        }
        assert client.post("/v1/models", json=asked).status_code == 422  # no metric of this task
        asked["candidates"] = [{"estimator": "centroids", "params": {"shrink_threshold": 2}}]
        asked["selection_metric"] = "accuracy"
        assert client.post("/v1/models", json=asked).status_code == 422  # out of its range
        del asked["candidates"]
        created = client.post("/v1/models", json=asked)
        assert created.status_code == 201, created.text

        run = carry_out("training")
        assert (run.status, run.version, run.error) == ("succeeded", "1", None)
        assert run.gate is not None
        assert (run.gate["verdict"], run.gate["metric"]) == ("promote", "accuracy")
        assert run.leaderboard[0]["candidate"]["estimator"] == "centroids"
        wait_until(lambda: client.get("/v1/models/toy").json()["ready"])
        model = client.get("/v1/models/toy").json()
        assert (model["task"], model["classes"]) == (NAME, ["ball", "bear", "brick"])
        assert model["versions"][0]["engine"] == "scikit-learn"

        check_answers(client)
        check_live(client, shop)

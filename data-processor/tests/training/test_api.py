import threading
import time
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import pytest
from fastapi.testclient import TestClient

from data_processor.app import create_app
from data_processor.rows import ModelRow
from data_processor.runs.events import RunLog
from data_processor.service.database import now
from data_processor.training.api import POLL_S, QUIET_POLL_S, pauses

M = "census-income"
World = Any


@pytest.fixture
def engineer(world: World, acting_as: Callable[..., Any]) -> Iterator[TestClient]:
    with TestClient(create_app(world.settings)) as client:
        client.auth = acting_as("eve", "engineer")
        yield client


def start(client: TestClient, **body: Any) -> str:
    answer = client.post(f"/v1/models/{M}/runs", json=body)
    assert answer.status_code == 202, answer.text
    assert answer.json()["status"] == "queued"
    run: str = answer.json()["id"]
    return run


def test_a_run_is_started_and_shown_with_all_its_fields(engineer: TestClient) -> None:
    run = start(
        engineer,
        budget_s=5,
        reason="a new idea",
        candidates=[{"estimator": "random-forest", "params": {"n_estimators": 40}}],
    )
    shown = engineer.get(f"/v1/runs/{run}").json()
    assert {
        "kind": "training",
        "model": M,
        "trigger": "manual",
        "status": "queued",
        "reason": "a new idea",
        "subject": "eve",
        "progress": 0.0,
        "leaderboard": [],
    }.items() <= shown.items()
    assert {"step", "dataset_version", "gate", "version", "error"} <= shown.keys()
    assert shown["options"]["budget_s"] == 5
    assert shown["created_at"].endswith("Z")


def test_a_second_run_is_refused_with_the_first_ones_id(engineer: TestClient) -> None:
    run = start(engineer)
    refused = engineer.post(f"/v1/models/{M}/runs", json={})
    assert (refused.status_code, refused.json()["run"]) == (409, run)


@pytest.mark.parametrize(
    "body",
    [
        {"budget_s": 0},
        {"budget_s": "soon"},
        {"candidates": []},
        {"candidates": [{"estimator": "oracle"}]},
        {"candidates": [{"params": {}}]},
        {"unknown": 1},
    ],
)
def test_a_bad_request_is_refused_by_field(engineer: TestClient, body: dict[str, Any]) -> None:
    refused = engineer.post(f"/v1/models/{M}/runs", json=body)
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["loc"][1] == next(iter(body))
    assert engineer.get("/v1/runs").json() == []


def test_unknown_models_and_runs_are_not_found(engineer: TestClient) -> None:
    assert engineer.post("/v1/models/nobody/runs", json={}).status_code == 404
    for path in ("/v1/runs/nobody", "/v1/runs/nobody/logs", "/v1/runs/nobody/events"):
        assert engineer.get(path).status_code == 404
    assert engineer.post("/v1/runs/nobody/cancel").status_code == 404


def test_runs_are_listed_by_model_status_and_kind(engineer: TestClient) -> None:
    run = start(engineer)
    for query, found in (
        ("", [run]),
        (f"?model={M}", [run]),
        ("?model=other", []),
        ("?status=queued", [run]),
        ("?status=failed", []),
        ("?kind=training", [run]),
        ("?kind=drift", []),
    ):
        assert [row["id"] for row in engineer.get(f"/v1/runs{query}").json()] == found
    assert engineer.get("/v1/runs?status=asleep").status_code == 422


def test_a_queued_run_is_cancelled_and_stays_so(engineer: TestClient) -> None:
    run = start(engineer)
    for _ in range(2):
        answer = engineer.post(f"/v1/runs/{run}/cancel")
        assert (answer.status_code, answer.json()["status"]) == (202, "cancelled")
    assert start(engineer) != run


def test_a_finished_run_cannot_be_cancelled(engineer: TestClient, world: World) -> None:
    run = start(engineer)
    RunLog(world.database, run).append("status", {"status": "failed"}, status="failed", finished_at=now())
    assert engineer.post(f"/v1/runs/{run}/cancel").status_code == 409


def test_the_log_is_downloaded_as_text(engineer: TestClient, world: World) -> None:
    run = start(engineer, reason="why not")
    RunLog(world.database, run).say("Ähnlich gut.")
    answer = engineer.get(f"/v1/runs/{run}/logs")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert f"run-{run}.log" in answer.headers["content-disposition"]
    assert "why not" in answer.text
    assert answer.text.endswith("INFO Ähnlich gut.\n")


def test_the_log_says_what_is_no_number(engineer: TestClient, world: World) -> None:
    run = start(engineer)
    RunLog(world.database, run).append("metric", {"name": "roc_auc", "value": None, "epoch": 3})
    assert engineer.get(f"/v1/runs/{run}/logs").text.endswith("METRIC roc_auc=not finite epoch=3\n")


def test_events_come_after_the_last_one_known(engineer: TestClient, world: World) -> None:
    run = start(engineer)
    RunLog(world.database, run).metric("log_loss", 0.3)
    page = engineer.get(f"/v1/runs/{run}/events").json()
    assert [(event["seq"], event["type"]) for event in page["events"]] == [(1, "status"), (2, "metric")]
    assert page["closed"] is False
    assert engineer.get(f"/v1/runs/{run}/events?after=1").json()["events"] == page["events"][1:]


def test_a_waiting_reader_gets_the_next_event_as_it_happens(engineer: TestClient, world: World) -> None:
    run = start(engineer)
    writer = threading.Timer(0.3, RunLog(world.database, run).say, ["here it is"])
    began = time.monotonic()
    writer.start()
    page = engineer.get(f"/v1/runs/{run}/events?after=1&wait=60").json()
    assert [event["message"] for event in page["events"]] == ["here it is"]
    assert 0.3 <= time.monotonic() - began < 50
    writer.join()


def test_a_quiet_run_is_polled_less_and_less_often() -> None:
    first_seconds = list(islice(pauses(), 100))
    assert first_seconds[0] == POLL_S
    assert first_seconds == sorted(first_seconds)
    assert first_seconds[-1] == QUIET_POLL_S
    assert sum(pause < QUIET_POLL_S for pause in first_seconds) > 20


def test_a_waiting_reader_of_a_closed_run_waits_for_nothing(engineer: TestClient) -> None:
    run = start(engineer)
    engineer.post(f"/v1/runs/{run}/cancel")
    page = engineer.get(f"/v1/runs/{run}/events?after=2&wait=10").json()
    assert page == {"events": [], "closed": True}


def test_the_gateways_token_is_needed(world: World) -> None:
    with TestClient(create_app(world.settings)) as stranger:
        assert stranger.get("/v1/runs").status_code == 401


def test_the_tasks_show_what_a_form_needs(engineer: TestClient) -> None:
    shown = {task["task"]: task for task in engineer.get("/v1/tasks").json()}
    classification = shown["tabular-classification"]
    forest = next(one for one in classification["estimators"] if one["name"] == "random-forest")
    trees = next(one for one in forest["hyperparameters"] if one["name"] == "n_estimators")
    assert {"kind": "integer", "default": 50, "low": 1, "high": 500}.items() <= trees.items()
    assert (classification["default_metric"], shown["tabular-regression"]["default_metric"]) == (
        "log_loss",
        "rmse",
    )
    assert [shown[name]["lower_is_better"] for name in ("tabular-classification", "tabular-regression")] == [
        ["log_loss"],
        ["mae", "rmse"],
    ]


def test_every_wrong_hyperparameter_is_named_at_once(engineer: TestClient) -> None:
    asked = [
        {"estimator": "random-forest", "params": {"n_estimators": 0, "trees": 3}},
        {"estimator": "ridge"},
    ]
    refused = engineer.post(f"/v1/models/{M}/runs", json={"candidates": asked})
    assert refused.status_code == 422
    errors = {tuple(error["loc"][1:]): error["message"] for error in refused.json()["errors"]}
    assert "give a whole number from 1 to 500" in errors["candidates", 0, "params", "n_estimators"]
    assert "no hyperparameter 'trees'" in errors["candidates", 0, "params", "trees"]
    assert "there is no 'ridge'" in errors["candidates", 1, "estimator"]
    assert engineer.get("/v1/runs").json() == []


def test_what_can_be_set_of_a_model_for_texts_is_shown_with_its_vectorizers(engineer: TestClient) -> None:
    shown = {task["task"]: task for task in engineer.get("/v1/tasks").json()}["text-classification"]
    assert shown["default_metric"] == "roc_auc"
    assert {one["name"] for one in shown["estimators"]} == {
        "naive-bayes",
        "logistic-regression",
        "linear-svc",
    }
    words = {one["name"]: one for one in shown["vectorizers"]}["tf-idf"]
    ngrams = next(one for one in words["hyperparameters"] if one["name"] == "ngrams")
    assert {"kind": "choice", "default": "1-2"}.items() <= ngrams.items()
    assert "1-3" in ngrams["choices"]


def test_vectorizers_are_for_texts_and_checked_by_name_and_range(world: World, engineer: TestClient) -> None:
    with world.database.transaction() as session:
        session.get(ModelRow, M).task = "text-classification"
    asked = [
        {"estimator": "naive-bayes", "vectorizer": "tf-idf"},
        {"estimator": "naive-bayes", "vectorizer": "word2vec"},
        {"estimator": "linear-svc", "vectorizer": {"name": "tf-idf", "params": {"min_df": 0, "stem": True}}},
    ]
    refused = engineer.post(f"/v1/models/{M}/runs", json={"candidates": asked})
    assert refused.status_code == 422
    errors = {tuple(error["loc"][1:]): error["message"] for error in refused.json()["errors"]}
    assert len(errors) == 3
    assert "there is no 'word2vec'" in errors["candidates", 1, "vectorizer"]
    wrong = errors["candidates", 2, "vectorizer", "params", "min_df"]
    assert wrong == "0 is not possible; give a whole number from 1 to 10000"
    assert "no hyperparameter 'stem'" in errors["candidates", 2, "vectorizer", "params", "stem"]
    assert start(engineer, candidates=asked[:1])


def test_tables_take_no_vectorizer(engineer: TestClient) -> None:
    asked = [{"estimator": "random-forest", "vectorizer": "tf-idf"}]
    refused = engineer.post(f"/v1/models/{M}/runs", json={"candidates": asked})
    assert "it takes none" in refused.json()["errors"][0]["message"]

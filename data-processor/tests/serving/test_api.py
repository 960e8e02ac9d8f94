import json
import math
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient

from data_processor.app import create_app

M = "census-income"
PATH = f"/v1/models/{M}/predictions"
Headers = Callable[..., dict[str, str]]
Acting = Callable[..., Any]
Rows = list[dict[str, Any]]


def predict(client: TestClient, rows: Rows, **options: Any) -> dict[str, Any]:
    answer = client.post(PATH, json={"inputs": rows, **options.pop("envelope", {})}, **options)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_each_input_gets_a_label_with_its_probabilities(client: TestClient, inputs: Rows) -> None:
    answer = predict(client, inputs[:3])
    assert (answer["model"], answer["version"], answer["stage"]) == (M, "1", "main")
    for prediction in answer["predictions"]:
        probabilities = prediction["probabilities"]
        assert set(probabilities) == {"<=50K", ">50K"}
        assert math.isclose(sum(probabilities.values()), 1, abs_tol=1e-5)
        assert prediction["label"] == max(probabilities, key=probabilities.__getitem__)
        assert prediction["ask"] is False
    assert len({prediction["id"] for prediction in answer["predictions"]}) == 3


def test_answers_are_those_of_the_trained_pipeline(
    client: TestClient, inputs: Rows, tiny_versions: Any
) -> None:
    from data_processor.features.packing import pack_rows, unpack  # noqa: PLC0415
    from data_processor.models.artefact import load_pipeline  # noqa: PLC0415

    tiny = tiny_versions["1"]
    pipeline = load_pipeline((tiny.folder / "model.skops").read_bytes(), ["numpy.dtype"])
    frame = unpack(pack_rows(inputs, tiny.manifest.table), tiny.manifest.table)
    expected = pipeline.predict_proba(frame)[:, 1]
    answered = [p["probabilities"][">50K"] for p in predict(client, inputs)["predictions"]]
    assert answered == pytest.approx(expected, abs=2e-6)


def test_what_is_odd_about_an_input_is_flagged_and_remembered(client: TestClient, inputs: Rows) -> None:
    row = {**inputs[0], "workclass": None, "occupation": "Astronaut", "age": 130}
    flags = predict(client, [row])["predictions"][0]["flags"]
    assert {flag.split(": ")[0]: flag.split(" ")[1] for flag in flags} == {
        "age": "out",
        "workclass": "missing",
        "occupation": "unseen",
    }
    assert client.get(PATH).json()[0]["flags"] == flags


def test_a_bad_request_names_everything_and_leaves_nothing(client: TestClient, inputs: Rows) -> None:
    rows = [inputs[0], {**inputs[1], "age": "old", "shoe": 1}]
    answer = client.post(PATH, json={"inputs": rows})
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert [error["loc"] for error in answer.json()["errors"]] == [
        ["body", "inputs", 1, "shoe"],
        ["body", "inputs", 1, "age"],
    ]
    assert client.get(PATH).json() == []


def test_a_body_that_is_no_json_is_a_bad_request(client: TestClient) -> None:
    answer = client.post(PATH, content=b"{")
    assert answer.status_code == 400
    assert "line 1, column 2" in answer.json()["detail"]


def test_too_many_rows_are_refused_with_the_limit(
    new_world: Callable[..., Any], acting_as: Acting, inputs: Rows, wait_until: Callable[..., None]
) -> None:
    world = new_world(max_rows=2)
    world.promote("1")
    with TestClient(create_app(world.settings)) as client:
        client.auth = acting_as()
        wait_until(lambda: client.get("/readyz").status_code == 200)
        assert "at most 2" in client.post(PATH, json={"inputs": inputs[:3]}).json()["errors"][0]["message"]


def test_a_prediction_is_recorded_with_everything_about_it(client: TestClient, inputs: Rows) -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    row = {**inputs[0], "age": 39, "workclass": None}
    answer = predict(client, [row], headers={"traceparent": f"00-{trace}-00f067aa0ba902b7-01"})
    found = client.get(f"/v1/predictions/{answer['predictions'][0]['id']}").json()
    assert found["inputs"] == row
    assert found["trace_id"] == trace
    assert found["subject"] == "ann"
    assert found["lineage"]["run"] == "run-1"
    assert found["lineage"]["dataset_version"] == 1
    assert found["feedback"] == []
    assert found["latency_ms"] > 0
    assert found["label"] == answer["predictions"][0]["label"]


def test_people_see_their_own_predictions_and_engineers_all(
    client: TestClient, headers: Headers, inputs: Rows
) -> None:
    mine = predict(client, inputs[:1])["predictions"][0]["id"]
    bobs = predict(client, inputs[:1], headers=headers("bob"))["predictions"][0]["id"]
    assert [found["id"] for found in client.get(PATH).json()] == [mine]
    assert client.get(f"/v1/predictions/{bobs}").status_code == 404
    engineer = headers("eve", "engineer")
    assert [found["id"] for found in client.get(PATH, headers=engineer).json()] == [bobs, mine]
    assert client.get(f"/v1/predictions/{bobs}", headers=engineer).status_code == 200


def test_the_history_is_paged_from_the_newest_back(client: TestClient, inputs: Rows) -> None:
    ids = [found["id"] for found in predict(client, inputs[:5])["predictions"]]
    first = client.get(PATH, params={"limit": 2}).json()
    then = client.get(PATH, params={"limit": 9, "before": first[-1]["id"]}).json()
    assert [found["id"] for found in first + then] == ids[::-1]


def test_the_history_shows_each_persons_latest_word(
    client: TestClient, headers: Headers, inputs: Rows
) -> None:
    prediction = predict(client, inputs[:1])["predictions"][0]["id"]
    feedback = f"/v1/predictions/{prediction}/feedback"
    assert client.post(feedback, json={"correct": True}).status_code == 201
    assert (
        client.post(feedback, json={"correct": True}, headers=headers("bob", "engineer")).status_code == 201
    )
    assert client.post(feedback, json={"correct": False, "comment": "no"}).status_code == 200
    said = client.get(f"/v1/predictions/{prediction}").json()["feedback"]
    assert [(one["subject"], one["correct"], one["comment"]) for one in said] == [
        ("bob", True, None),
        ("ann", False, "no"),
    ]
    assert client.get(PATH).json()[0]["feedback"] == said


def test_unknown_things_are_not_found(client: TestClient, inputs: Rows) -> None:
    assert client.get("/v1/predictions/nope").status_code == 404
    assert client.get("/v1/models/nope/predictions").status_code == 404
    unknown = client.post("/v1/models/nope/predictions", json={"inputs": inputs[:1]})
    assert (unknown.status_code, unknown.json()["detail"]) == (404, "There is no model 'nope'.")
    version = client.post(PATH, json={"inputs": inputs[:1], "version": "9"})
    assert (version.status_code, version.json()["detail"]) == (404, f"Model '{M}' has no version '9'.")


def test_a_model_that_is_not_served_yet_says_so(
    world: Any, acting_as: Acting, inputs: Rows, wait_until: Callable[..., None]
) -> None:
    with TestClient(create_app(world.settings)) as client:
        client.auth = acting_as()
        answer = client.post(PATH, json={"inputs": inputs[:1]})
        assert answer.status_code == 503
        assert "does not serve version 3" in answer.json()["detail"]
        assert "a request can name it" in answer.json()["detail"]
        assert "retry-after" in answer.headers
        world.promote("1")
        wait_until(lambda: client.post(PATH, json={"inputs": inputs[:1]}).status_code == 200)


def test_a_caller_may_choose_a_version_and_it_is_remembered(client: TestClient, inputs: Rows) -> None:
    mine = predict(client, inputs[:1])
    chosen = predict(client, inputs[:1], envelope={"version": "2"})
    assert (mine["version"], chosen["version"]) == ("1", "2")
    assert mine["predictions"][0]["probabilities"] != chosen["predictions"][0]["probabilities"]
    stages_own = predict(client, inputs[:1], envelope={"version": "1"})
    assert stages_own["predictions"][0]["probabilities"] == mine["predictions"][0]["probabilities"]
    assert [found["pinned"] for found in client.get(PATH).json()] == [True, True, False]


def test_a_scikit_learn_version_answers_like_its_compiled_twin(client: TestClient, inputs: Rows) -> None:
    onnx, sklearn = (predict(client, inputs, envelope={"version": v})["predictions"] for v in "13")
    for one, other in zip(onnx, sklearn, strict=True):
        assert one["label"] == other["label"]
        assert one["probabilities"] == pytest.approx(other["probabilities"], abs=2e-6)


def test_the_same_key_and_body_is_answered_alike_and_recorded_once(client: TestClient, inputs: Rows) -> None:
    key = {"Idempotency-Key": "once"}
    first = predict(client, inputs[:2], headers=key)
    assert predict(client, inputs[:2], headers=key) == first
    assert len(client.get(PATH).json()) == 2


def test_the_same_key_with_another_body_or_model_is_a_conflict(client: TestClient, inputs: Rows) -> None:
    key = {"Idempotency-Key": "once"}
    predict(client, inputs[:1], headers=key)
    other = client.post(PATH, json={"inputs": inputs[1:2]}, headers=key)
    assert other.status_code == 409
    assert "'once'" in other.json()["detail"]
    body = json.dumps({"inputs": inputs[:1]})
    assert client.post("/v1/models/nope/predictions", content=body, headers=key).status_code == 409


def test_a_key_is_its_subjects_own(client: TestClient, headers: Headers, inputs: Rows) -> None:
    key = {"Idempotency-Key": "once"}
    mine = predict(client, inputs[:1], headers=key)
    bobs = predict(client, inputs[:1], headers={**headers("bob"), **key})
    assert mine["predictions"][0]["id"] != bobs["predictions"][0]["id"]


def test_a_key_is_remembered_across_restarts(
    serving_world: Any, acting_as: Acting, inputs: Rows, wait_until: Callable[..., None]
) -> None:
    answers = []
    for _ in range(2):
        with TestClient(create_app(serving_world.settings)) as client:
            client.auth = acting_as()
            wait_until(lambda client=client: client.get("/readyz").status_code == 200)
            answers.append(predict(client, inputs[:1], headers={"Idempotency-Key": "once"}))
    assert answers[0] == answers[1]


@pytest.mark.parametrize("key", ["", "x" * 256, "\x7f"])
def test_a_key_that_cannot_be_kept_is_refused(client: TestClient, inputs: Rows, key: str) -> None:
    answer = client.post(PATH, json={"inputs": inputs[:1]}, headers={"Idempotency-Key": key})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["loc"] == ["header", "Idempotency-Key"]


@pytest.mark.parametrize(
    "change",
    [
        {"Authorization": "Bearer wrong"},
        {"Authorization": ""},
        {"X-Loopkeeper-Caller": "v1.e30.AAAA"},
        {"X-Loopkeeper-Caller": ""},
    ],
)
def test_nobody_is_let_in_without_the_gateways_word(
    client: TestClient, inputs: Rows, change: dict[str, str]
) -> None:
    for answer in (
        client.post(PATH, json={"inputs": inputs[:1]}, headers=change),
        client.get(PATH, headers=change),
        client.get("/v1/models", headers=change),
    ):
        assert answer.status_code == 401
        assert answer.json()["title"] == "Unauthorized"


def test_everybody_is_asked_about_where_the_policy_says_so(
    client: TestClient, serving_world: Any, inputs: Rows, wait_until: Callable[..., None]
) -> None:
    serving_world.registry.change_policy(M, {"ask_rate": 1})
    wait_until(lambda: predict(client, inputs[:1])["predictions"][0]["ask"])
    assert client.get(PATH).json()[0]["ask"] is True


def test_a_random_share_of_predictions_is_asked_about(
    client: TestClient, serving_world: Any, inputs: Rows, wait_until: Callable[..., None]
) -> None:
    """The share that the policy names, whatever the rows are: 300 of 1 000, give or take five deviations."""
    serving_world.registry.change_policy(M, {"ask_rate": 0.3})
    wait_until(lambda: any(one["ask"] for one in predict(client, inputs[:50])["predictions"]))
    answered = {one["id"]: one["ask"] for one in predict(client, (inputs[:1] * 1_000))["predictions"]}
    assert 228 <= sum(answered.values()) <= 372
    recorded = client.get(PATH, params={"limit": 1000}).json()
    assert {one["id"]: one["ask"] for one in recorded} == answered


def test_a_policy_that_rejects_unseen_categories_takes_effect_by_itself(
    client: TestClient, serving_world: Any, inputs: Rows, wait_until: Callable[..., None]
) -> None:
    unseen = [{**inputs[0], "occupation": "Astronaut"}]
    assert predict(client, unseen)["predictions"][0]["flags"]
    serving_world.registry.change_policy(M, {"unseen_category": "reject"})
    wait_until(lambda: client.post(PATH, json={"inputs": unseen}).status_code == 422)


def test_a_large_request_is_answered_in_order(client: TestClient, inputs: Rows) -> None:
    rows = (inputs * 8)[:1000]
    alone = [predict(client, [row])["predictions"][0]["probabilities"][">50K"] for row in inputs]
    answers = [answer["probabilities"][">50K"] for answer in predict(client, rows)["predictions"]]
    assert answers == pytest.approx((alone * 8)[:1000], abs=1e-5)
    assert len(client.get(PATH, params={"limit": 1000}).json()) == 1000


def test_other_methods_are_not_allowed(client: TestClient) -> None:
    answer = client.put(PATH, json={})
    assert answer.status_code == 405


def test_metrics_name_the_engine_the_version_and_what_was_odd(
    client: TestClient, inputs: Rows, wait_until: Callable[..., None]
) -> None:
    predict(client, [inputs[0], {**inputs[0], "occupation": "Astronaut"}])
    # What was answered is counted once it was sent.
    wait_until(lambda: "loopkeeper_answers_total{" in client.get("/metrics").text)
    text = client.get("/metrics").text
    for line in (
        f'loopkeeper_model_info{{engine="onnx",model="{M}",version="1"}} 1.0',
        f'loopkeeper_predictions_total{{model="{M}",version="1"}} 2.0',
        f'loopkeeper_prediction_flags_total{{feature="occupation",kind="unseen",model="{M}"}} 1.0',
        f'loopkeeper_prediction_duration_seconds_count{{model="{M}"}} 1.0',
        'http_response_status_code="200",http_route="/v1/models/{model}/predictions"',
    ):
        assert line in text

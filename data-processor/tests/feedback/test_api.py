from collections.abc import Callable
from typing import Any

import pytest
from starlette.testclient import TestClient

MODEL = "census-income"


@pytest.fixture
def predict(client: TestClient, inputs: list[dict[str, Any]]) -> Callable[[int], list[dict[str, Any]]]:
    def ask(count: int) -> list[dict[str, Any]]:
        answer = client.post(f"/v1/models/{MODEL}/predictions", json={"inputs": inputs[:count]})
        predictions: list[dict[str, Any]] = answer.json()["predictions"]
        return predictions

    return ask


def other(label: str) -> str:
    return ">50K" if label == "<=50K" else "<=50K"


def test_feedback_is_created_and_a_changed_mind_is_ok(client: TestClient, predict: Any) -> None:
    (prediction,) = predict(1)
    path = f"/v1/predictions/{prediction['id']}/feedback"
    first = client.post(path, json={"correct": True})
    assert (first.status_code, first.json()["label"]) == (201, prediction["label"])
    again = client.post(path, json={"correct": False, "comment": "I looked it up."})
    assert (again.status_code, again.json()["label"]) == (200, other(prediction["label"]))
    shown = client.get(f"/v1/predictions/{prediction['id']}").json()["feedback"]
    assert [(one["subject"], one["correct"], one["comment"]) for one in shown] == [
        ("ann", False, "I looked it up.")
    ]


def test_a_user_gives_no_feedback_on_what_somebody_else_asked(
    client: TestClient, predict: Any, headers: Callable[..., dict[str, str]]
) -> None:
    (prediction,) = predict(1)
    path = f"/v1/predictions/{prediction['id']}/feedback"
    assert client.post(path, json={"correct": True}, headers=headers("mallory")).status_code == 404
    assert client.post(path, json={"correct": True}, headers=headers("eve", "engineer")).status_code == 201


def test_an_unknown_prediction_is_a_404(client: TestClient) -> None:
    answer = client.post("/v1/predictions/nothing/feedback", json={"correct": True})
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("body", "loc"),
    [
        ({}, ["body", "correct"]),
        ({"correct": "yes"}, ["body", "correct"]),
        ({"correct": False, "label": "maybe"}, ["body", "label"]),
        ({"correct": True, "value": 1.0}, ["body", "value"]),
        ({"correct": True, "colour": "red"}, ["body", "colour"]),
        ({"correct": True, "comment": "a\0b"}, ["body", "comment"]),
        ({"correct": True, "comment": "x" * 4001}, ["body", "comment"]),
    ],
)
def test_what_is_wrong_with_feedback_is_named(
    client: TestClient, predict: Any, body: dict[str, Any], loc: list[str]
) -> None:
    (prediction,) = predict(1)
    answer = client.post(f"/v1/predictions/{prediction['id']}/feedback", json=body)
    assert answer.status_code == 422
    assert [error["loc"] for error in answer.json()["errors"]] == [loc]


def test_feedback_that_contradicts_itself_is_refused(client: TestClient, predict: Any) -> None:
    (prediction,) = predict(1)
    body = {"correct": True, "label": other(prediction["label"])}
    answer = client.post(f"/v1/predictions/{prediction['id']}/feedback", json=body)
    assert (answer.status_code, answer.json()["errors"][0]["loc"]) == (422, ["body", "label"])


@pytest.mark.parametrize("body", [b'{"correct": true, "comment": "\\ud800"}', b'{"correct": tru', b"\xff"])
def test_a_body_that_is_no_text_is_refused(client: TestClient, predict: Any, body: bytes) -> None:
    (prediction,) = predict(1)
    answer = client.post(
        f"/v1/predictions/{prediction['id']}/feedback",
        content=body,
        headers={"content-type": "application/json"},
    )
    assert answer.status_code in (400, 422)


def test_a_key_makes_feedback_safe_to_repeat(client: TestClient, predict: Any) -> None:
    (prediction,) = predict(1)
    path, key = f"/v1/predictions/{prediction['id']}/feedback", {"Idempotency-Key": "k-1"}
    first = client.post(path, json={"correct": True}, headers=key)
    again = client.post(path, json={"correct": True}, headers=key)
    assert (first.status_code, again.status_code, again.json()) == (201, 201, first.json())
    conflict = client.post(path, json={"correct": False}, headers=key)
    assert conflict.status_code == 409
    empty = client.post(path, json={"correct": True}, headers={"Idempotency-Key": ""})
    assert empty.status_code == 422


def test_people_without_a_name_are_sent_away(client: TestClient, predict: Any) -> None:
    (prediction,) = predict(1)
    path = f"/v1/predictions/{prediction['id']}/feedback"
    assert client.post(path, json={"correct": True}, headers={"Authorization": ""}).status_code == 401


def test_the_score_follows_the_feedback(client: TestClient, predict: Any) -> None:
    for number, prediction in enumerate(predict(60)):
        body = {"correct": number % 3 != 0}
        assert client.post(f"/v1/predictions/{prediction['id']}/feedback", json=body).status_code == 201
    score = client.get(f"/v1/models/{MODEL}/score").json()
    assert (score["value"], score["n"], score["version"]) == (40 / 60, 60, "1")
    assert score["state"] in ("healthy", "retraining")
    history = client.get(f"/v1/models/{MODEL}/score/history").json()
    assert [point["n"] for point in history] == [10, 20, 30, 40, 50, 60]
    assert client.get(f"/v1/models/{MODEL}").json()["score"] == score


def test_an_unknown_model_has_neither_score_nor_history(client: TestClient) -> None:
    for path in ("score", "score/history"):
        assert client.get(f"/v1/models/wine/{path}").status_code == 404
    assert client.post("/v1/models/wine/resume", json={"reason": "why not"}).status_code == 404


def test_resuming_needs_a_reason(client: TestClient) -> None:
    assert client.post(f"/v1/models/{MODEL}/resume", json={"reason": " "}).status_code == 422
    assert client.post(f"/v1/models/{MODEL}/resume", json={"reason": "go on"}).json()["version"] == "1"

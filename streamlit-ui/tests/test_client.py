"""The client against a real HTTP server."""

import io
import socket
import threading
from collections.abc import Iterator

import httpx
import pytest

from fake_gateway import FakeGateway
from streamlit_ui.client import Gateway, GatewayError, SignedOut, Unreachable, connect


def test_signing_in_yields_a_token_that_opens_the_rest(fake: FakeGateway, http: httpx.Client) -> None:
    token = Gateway(http).sign_in("uma", "u")
    assert token["role"] == "user"
    assert [model["name"] for model in Gateway(http, token["access_token"]).models()] == list(fake.models)


def test_a_password_is_sent_in_the_body_only(fake: FakeGateway, http: httpx.Client) -> None:
    Gateway(http).sign_in("uma", "u")
    method, path, headers, body = fake.requests[0]
    assert (method, path, body) == ("POST", "/v1/auth/token", {"username": "uma", "password": "u"})
    assert headers["content-type"] == "application/x-www-form-urlencoded"


def test_without_a_token_one_is_signed_out(http: httpx.Client) -> None:
    with pytest.raises(SignedOut, match="Sign in first"):
        Gateway(http).models()


def test_signing_out_revokes_the_token(fake: FakeGateway, gateway: Gateway) -> None:
    gateway.sign_out()
    assert fake.tokens == {}
    with pytest.raises(SignedOut):
        gateway.models()


def test_every_read_has_its_shape(gateway: Gateway) -> None:
    assert gateway.model("rents")["target"] == "rent"
    assert gateway.score("rents")["state"] == "degraded"
    assert len(gateway.score_history("rents", 100)) == 60
    assert [version["version"] for version in gateway.versions("rents")] == ["1", "2", "3"]
    assert [entry["seq"] for entry in gateway.promotions("rents")] == [2, 1]
    assert gateway.runs("census-income")[0]["id"] == "run-4"
    assert gateway.run("run-2")["status"] == "succeeded"
    assert gateway.run_log("run-2").startswith("2026-01-31")
    assert gateway.prediction("prediction-000003")["version"] == "2"
    assert [user["username"] for user in gateway.users()] == ["maya", "erin", "uma"]
    assert gateway.keys()[0]["name"] == "nightly-report"
    gateway.alive()


def test_predictions_are_paged_by_the_last_one_seen(gateway: Gateway) -> None:
    first = gateway.predictions("census-income", 25)
    second = gateway.predictions("census-income", 25, first[-1]["id"])
    assert len({prediction["id"] for prediction in first + second}) == 50


def test_the_same_request_is_recorded_once(fake: FakeGateway, gateway: Gateway) -> None:
    answers = [gateway.predict("census-income", [{"age": 39}], "key-1") for _ in range(2)]
    assert answers[0] == answers[1]
    assert len(fake.predictions) == 61


def test_writes_send_what_the_public_face_takes(fake: FakeGateway, gateway: Gateway) -> None:
    gateway.give_feedback("prediction-000004", {"correct": False, "label": ">50K"})
    gateway.promote("rents", version="1", stage="main", reason="a", expected_version="2", override=False)
    gateway.roll_back("rents", "main", "b")
    gateway.resume("rents", "c")
    gateway.change_policy("rents", {"threshold": 0.7})
    gateway.cancel_run("run-4")
    gateway.start_run("rents", 5, "d")
    gateway.create_user("olga", "secret", "user")
    gateway.change_user("olga", role="engineer")
    gateway.delete_user("olga")
    key = gateway.create_key("bot", "user", 30, trusted=True)
    gateway.trust_key(key["id"], trusted=False)
    gateway.delete_key(key["id"])
    assert [(method, path, body) for method, path, _, body in fake.requests] == [
        ("POST", "/v1/predictions/prediction-000004/feedback", {"correct": False, "label": ">50K"}),
        (
            "POST",
            "/v1/models/rents/promotions",
            {"version": "1", "stage": "main", "reason": "a", "expected_version": "2"},
        ),
        ("POST", "/v1/models/rents/rollback", {"stage": "main", "reason": "b"}),
        ("POST", "/v1/models/rents/resume", {"reason": "c"}),
        ("PATCH", "/v1/models/rents", {"policy": {"threshold": 0.7}}),
        ("POST", "/v1/runs/run-4/cancel", None),
        ("POST", "/v1/models/rents/runs", {"budget_s": 5, "reason": "d"}),
        ("POST", "/v1/auth/users", {"username": "olga", "password": "secret", "role": "user"}),
        ("PATCH", "/v1/auth/users/olga", {"role": "engineer"}),
        ("DELETE", "/v1/auth/users/olga", None),
        ("POST", "/v1/auth/keys", {"name": "bot", "role": "user", "expires_in_days": 30, "trusted": True}),
        ("PATCH", f"/v1/auth/keys/{key['id']}", {"trusted": False}),
        ("DELETE", f"/v1/auth/keys/{key['id']}", None),
    ]


def test_whoever_makes_models_reads_and_writes_what_the_public_face_takes(
    fake: FakeGateway, gateway: Gateway
) -> None:
    assert gateway.datasets()[0]["name"] == "census-income"
    assert gateway.dataset_versions("census-income")[0]["version"] == 2
    assert len(gateway.tasks()) == 4
    fake.requests.clear()
    gateway.upload_dataset("people", "p.csv", io.BytesIO(b"a,b\n1,2\n"), {"decimal": ","})
    gateway.confirm_dataset("people", {"target": "income", "task": None})
    gateway.delete_dataset("people")
    assert gateway.create_model("m", "census-income", selection_metric="roc_auc") == "run-2"
    assert gateway.evaluate("m", ["2", "1"])["classes"] == ["<=50K", ">50K"]
    gateway.evaluate("m", ["2"], "other")
    gateway.delete_version("m", "1")
    assert gateway.delete_unused_versions("m") == ["1", "3"]
    gateway.delete_model("m")
    gateway.predict("rents", [{"area": 1.0}], "key", "3")
    assert [(method, path, body) for method, path, _, body in fake.requests] == [
        ("POST", "/v1/datasets", {"name": "people", "decimal": ",", "file": ("p.csv", b"a,b\n1,2\n")}),
        ("PUT", "/v1/datasets/people/schema", {"target": "income", "task": None}),
        ("DELETE", "/v1/datasets/people", None),
        ("POST", "/v1/models", {"name": "m", "dataset": "census-income", "selection_metric": "roc_auc"}),
        ("POST", "/v1/models/m/evaluations", {"versions": ["2", "1"]}),
        ("POST", "/v1/models/m/evaluations", {"versions": ["2"], "dataset": "other"}),
        ("DELETE", "/v1/models/m/versions/1", None),
        ("DELETE", "/v1/models/m/versions", None),
        ("DELETE", "/v1/models/m", None),
        ("POST", "/v1/models/rents/predictions", {"inputs": [{"area": 1.0}], "version": "3"}),
    ]


@pytest.mark.parametrize("name", ["a/b", "..", "a?b#c", "ä %2F", "."])
def test_no_name_leaves_its_place_in_the_path(fake: FakeGateway, gateway: Gateway, name: str) -> None:
    with pytest.raises(GatewayError, match="no model"):
        gateway.model(name)
    assert fake.requests[-1][1].count("/") == 3


def test_a_problem_carries_its_sentence_and_its_fields(fake: FakeGateway, gateway: Gateway) -> None:
    with pytest.raises(GatewayError) as caught:
        gateway.predict("census-income", [{"age": 1}, {"age": -1}], "key")
    assert caught.value.status == 422
    assert caught.value.errors == [(("body", "inputs", 1, "age"), "must be a number from 0 on")]
    fake.trouble("/v1/models", 429, "Slow down.", headers={"Retry-After": "12"})
    with pytest.raises(GatewayError) as caught:
        gateway.models()
    assert (caught.value.sentence, caught.value.retry_after) == ("Slow down.", 12)


@pytest.fixture
def raw_server() -> Iterator[tuple[str, list[bytes]]]:
    """A server that gives each connection the next of some bytes, as they are; none left: silence."""
    answers: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(65_536)
                    if answers:
                        connection.sendall(answers.pop(0))
                    else:
                        connection.recv(1)

        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}", answers
        listening.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n<html", "does not understand"),
        (b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 5\r\n\r\n<html", "status 502"),
        (b"HTTP/1.1 500 Oh\r\nContent-Length: 2\r\n\r\n[]", "status 500"),
        (b'HTTP/1.1 500 Oh\r\nContent-Length: 17\r\n\r\n{"title": "Oops"}', "Oops"),
        (b"nonsense", "cannot be reached"),
        (b"", "cannot be reached"),
    ],
)
def test_any_answer_becomes_a_sentence(
    raw_server: tuple[str, list[bytes]], answer: bytes, sentence: str
) -> None:
    url, answers = raw_server
    answers.append(answer)
    with connect(url, timeout_s=5) as http, pytest.raises(GatewayError, match=sentence):
        Gateway(http).models()


def test_a_silent_gateway_is_given_up_on(raw_server: tuple[str, list[bytes]]) -> None:
    with connect(raw_server[0], timeout_s=0.2) as http, pytest.raises(Unreachable, match="too long"):
        Gateway(http).models()


def test_a_gateway_that_is_away_is_unreachable() -> None:
    with (
        connect("http://127.0.0.1:1", timeout_s=1) as http,
        pytest.raises(Unreachable, match="cannot be reached"),
    ):
        Gateway(http).models()


def test_a_profile_is_read_asked_for_again_and_taken_away(fake: FakeGateway, gateway: Gateway) -> None:
    assert gateway.profile("comments", 2)["state"] == "ready"
    assert gateway.compute_profile("comments", 2)["state"] == "computing"
    assert gateway.profile("comments")["state"] == "computing"
    assert gateway.profile_report("comments", 2).decode().startswith("<!doctype html>")
    assert [path for _, path, _, _ in fake.requests] == [
        "/v1/datasets/comments/profile?version=2",
        "/v1/datasets/comments/profile?version=2",
        "/v1/datasets/comments/profile",
        "/v1/datasets/comments/profile.html?version=2",
    ]

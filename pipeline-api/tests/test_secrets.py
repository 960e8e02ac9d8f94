"""Nothing that opens a door is ever written to the log."""

import logging
from collections.abc import Callable, Iterator

import pytest
import structlog

from fake_processor import CALLER_KEY, SERVICE_TOKEN, FakeProcessor, Reply, problem
from pipeline_api.service.logging import configure_logging
from pipeline_api.settings import Settings
from running import PASSWORD, Gateway

OTHER = "another good password"


@pytest.fixture
def _logging_as_it_was(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Undo what configuring the log does to this process."""
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", root.handlers[:])
    # The client of the test is none of the gateway's business.
    monkeypatch.setattr(logging.getLogger("httpx2"), "level", logging.WARNING)
    level = root.level
    yield
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.mark.usefixtures("_logging_as_it_was")
@pytest.mark.parametrize("log_format", ["console", "json"])
def test_no_secret_is_logged_whatever_happens(
    open_gateway: Callable[..., Gateway],
    gateway_settings: Callable[..., Settings],
    processor: FakeProcessor,
    capfd: pytest.CaptureFixture[str],
    log_format: str,
) -> None:
    configure_logging(gateway_settings(log_format=log_format, log_level="debug"))
    gateway = open_gateway(log_level="debug")
    client = gateway.client
    alice = gateway.new_user("alice", "engineer")
    robot = gateway.new_key("robot")
    client.post("/v1/auth/token", data={"username": PASSWORD, "password": OTHER})
    client.post("/v1/auth/token", data={"username": "alice", "password": OTHER})
    client.post("/v1/auth/users", json={"username": "x", "password": OTHER, "more": 1}, headers=gateway.admin)
    body = {"current_password": PASSWORD, "password": OTHER}
    client.patch("/v1/auth/users/alice", json=body, headers=alice)
    processor.on("GET", "/v1/models", Reply(500, b"crash", {"content-type": "text/plain"}))
    processor.on("POST", "/v1/models/m/predictions", problem(401, "no"))
    client.get("/v1/models", headers=robot)
    client.post("/v1/models/m/predictions", json={}, headers=robot)
    client.get(f"/v1/nothing?token={robot['Authorization'][7:]}", headers=robot)
    late = gateway.new_key("late")
    gateway.app.state.auth.verifier._find = lambda *_: 1 / 0
    assert client.get("/v1/models", headers=late).status_code == 500
    secrets = [PASSWORD, OTHER, SERVICE_TOKEN, CALLER_KEY, "argon2id", "lkt_", "lkk_"]
    secrets += [headers["Authorization"][7:] for headers in (gateway.admin, alice, robot, late)]

    output = capfd.readouterr()
    logged = output.out + output.err

    assert "request_failed" in logged
    assert "user_created" in logged
    assert [secret for secret in secrets if secret in logged] == []


def test_no_stack_trace_is_shown(gateway: Gateway) -> None:
    gateway.app.state.auth.verifier._find = lambda *_: 1 / 0

    answer = gateway.client.get("/v1/models", headers={"Authorization": "Bearer lkt_" + "x" * 43})

    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert "ZeroDivisionError" not in answer.text
    assert "division" not in answer.text

import asyncio
import json
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from starlette.testclient import WebSocketDenialResponse
from starlette.websockets import WebSocketDisconnect
from websockets.asyncio.client import connect

from fake_processor import FakeProcessor, problem
from pipeline_api import event_pages, hub
from pipeline_api import events as events_module
from running import Gateway, Server

EVENTS = "/v1/runs/1/events"


def event(seq: int, kind: str = "step", **more: Any) -> dict[str, Any]:
    return {"seq": seq, "at": "2026-01-01T00:00:00Z", "type": kind, **more}


@pytest.fixture
def run(processor: FakeProcessor) -> list[dict[str, Any]]:
    """The events of run 1, which is not finished."""
    processor.events["1"] = [event(1, step="prepare"), event(2, "metric", value=0.9)]
    return processor.events["1"]


def finish(processor: FakeProcessor) -> None:
    processor.finished.add("1")


def read_all(gateway: Gateway, path: str = EVENTS) -> tuple[list[dict[str, Any]], int]:
    """Return the events that come and the code the WebSocket is closed with."""
    found = []
    with gateway.client.websocket_connect(path, headers=gateway.admin) as websocket:
        while True:
            try:
                found.append(websocket.receive_json())
            except WebSocketDisconnect as closed:
                return found, closed.code


def test_a_finished_run_is_told_from_its_first_event_and_closed(
    gateway: Gateway, processor: FakeProcessor, run: list[dict[str, Any]]
) -> None:
    finish(processor)

    assert read_all(gateway) == (run, 1000)


def test_it_goes_on_after_a_known_event(
    gateway: Gateway, processor: FakeProcessor, run: list[dict[str, Any]]
) -> None:
    finish(processor)

    assert read_all(gateway, f"{EVENTS}?after=1") == (run[1:], 1000)


def test_new_events_come_as_they_happen(
    gateway: Gateway, processor: FakeProcessor, run: list[dict[str, Any]]
) -> None:
    with gateway.client.websocket_connect(EVENTS, headers=gateway.admin) as websocket:
        assert [websocket.receive_json()["seq"] for _ in range(2)] == [1, 2]
        run.append(event(3, "log", message="now"))
        assert websocket.receive_json() == run[2]
        finish(processor)
        with pytest.raises(WebSocketDisconnect) as closed:
            websocket.receive_json()

    assert closed.value.code == 1000


def denial(gateway: Gateway, path: str, headers: dict[str, str]) -> Any:
    with (
        pytest.raises(WebSocketDenialResponse) as denied,
        gateway.client.websocket_connect(path, headers=headers),
    ):
        pass
    return denied.value


@pytest.mark.usefixtures("run")
def test_a_handshake_needs_a_credential_of_an_engineer(gateway: Gateway) -> None:
    assert denial(gateway, EVENTS, {}).status_code == 401
    assert denial(gateway, EVENTS, gateway.new_user("alice")).status_code == 403
    with gateway.client.websocket_connect(EVENTS, headers=gateway.new_user("erik", "engineer")):
        pass


def test_an_unknown_run_is_404_before_the_handshake(gateway: Gateway) -> None:
    answer = denial(gateway, "/v1/runs/unknown/events", gateway.admin)

    assert answer.status_code == 404
    assert answer.json()["detail"] == "There is no run 'unknown'."
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("after", ["-1", "x", "1.5", "9" * 30, "\u0663"])
def test_a_wrong_place_to_go_on_is_422(gateway: Gateway, after: str) -> None:
    assert denial(gateway, f"{EVENTS}?after={after}", gateway.admin).status_code == 422


def test_an_unreachable_processor_is_502(open_gateway: Callable[..., Gateway]) -> None:
    gateway = open_gateway(processor_url="http://127.0.0.1:1")

    assert denial(gateway, EVENTS, gateway.admin).status_code == 502


def code_after(websocket: Any) -> int:
    while True:
        try:
            websocket.receive_json()
        except WebSocketDisconnect as closed:
            return closed.code


@pytest.mark.usefixtures("run")
def test_a_revoked_token_ends_it(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events_module, "GUARD_S", 0.02)
    erik = gateway.new_user("erik", "engineer")

    with gateway.client.websocket_connect(EVENTS, headers=erik) as websocket:
        gateway.client.delete("/v1/auth/token", headers=erik)
        assert code_after(websocket) == 4401


@pytest.mark.usefixtures("run")
def test_a_smaller_role_ends_it(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events_module, "GUARD_S", 0.02)
    erik = gateway.new_user("erik", "engineer")

    with gateway.client.websocket_connect(EVENTS, headers=erik) as websocket:
        gateway.client.patch("/v1/auth/users/erik", json={"role": "user"}, headers=gateway.admin)
        assert code_after(websocket) == 4403


@pytest.mark.usefixtures("run")
def test_an_expired_token_ends_it(
    open_gateway: Callable[..., Gateway], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events_module, "GUARD_S", 0.02)
    gateway = open_gateway(token_hours=1 / 3600)

    with gateway.client.websocket_connect(EVENTS, headers=gateway.admin) as websocket:
        assert code_after(websocket) == 4401


def test_a_processor_that_is_away_for_a_moment_is_waited_for(
    gateway: Gateway, processor: FakeProcessor, run: list[dict[str, Any]]
) -> None:
    with gateway.client.websocket_connect(EVENTS, headers=gateway.admin) as websocket:
        websocket.receive_json()
        websocket.receive_json()
        processor.on("GET", "/v1/runs/1/events", problem(503, "Starting."))
        run.append(event(3))
        time.sleep(0.1)
        processor.rules.clear()

        assert websocket.receive_json()["seq"] == 3


@pytest.mark.usefixtures("run")
def test_a_processor_that_stays_away_ends_it(
    gateway: Gateway, processor: FakeProcessor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_pages, "PATIENCE_S", 0.2)
    monkeypatch.setattr(hub, "WAIT_S", 0)

    with gateway.client.websocket_connect(EVENTS, headers=gateway.admin) as websocket:
        processor.on("GET", "/v1/runs/1/events", problem(503, "Starting."))
        assert code_after(websocket) == 1013


@pytest.mark.usefixtures("run")
def test_only_so_many_are_open_at_once(open_gateway: Callable[..., Gateway]) -> None:
    gateway = open_gateway(websockets=2, websockets_per_credential=1)
    erik, emma = gateway.new_user("erik", "engineer"), gateway.new_user("emma", "engineer")

    with (
        gateway.client.websocket_connect(EVENTS, headers=erik),
        gateway.client.websocket_connect(EVENTS, headers=emma),
    ):
        assert denial(gateway, EVENTS, erik).status_code == 429
        assert denial(gateway, EVENTS, gateway.admin).status_code == 503
        assert "loopkeeper_open_websockets 2.0" in gateway.client.get("/metrics").text
    deadline = time.monotonic() + 5
    while "loopkeeper_open_websockets 0.0" not in gateway.client.get("/metrics").text:
        assert time.monotonic() < deadline
    with gateway.client.websocket_connect(EVENTS, headers=gateway.admin):
        pass


def test_a_real_client_follows_a_run(
    gateway: Gateway, live: Server, processor: FakeProcessor, run: list[dict[str, Any]]
) -> None:
    def go_on() -> None:
        run.append(event(3))
        finish(processor)

    async def follow() -> list[int]:
        url = f"ws://127.0.0.1:{live.port}{EVENTS}?after=0"
        async with connect(url, additional_headers=gateway.admin) as websocket:
            threading.Timer(0.2, go_on).start()
            return [json.loads(message)["seq"] async for message in websocket]

    assert asyncio.run(follow()) == [1, 2, 3]


@pytest.mark.usefixtures("run")
def test_a_client_that_vanishes_leaves_its_seat(gateway: Gateway, live: Server) -> None:
    async def come_and_go() -> None:
        url = f"ws://127.0.0.1:{live.port}{EVENTS}"
        async with connect(url, additional_headers=gateway.admin) as websocket:
            await websocket.recv()
            websocket.transport.abort()

    asyncio.run(come_and_go())

    websocket_limit = live.app.state.gateway.websocket_limit
    deadline = time.monotonic() + 5
    while websocket_limit._open.total():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.usefixtures("run")
def test_events_are_not_compressed_and_long_messages_are_refused(gateway: Gateway, live: Server) -> None:
    async def shout() -> tuple[str | None, int | None]:
        url = f"ws://127.0.0.1:{live.port}{EVENTS}"
        async with connect(url, additional_headers=gateway.admin) as websocket:
            assert websocket.response is not None
            await websocket.send("a" * 100_000)
            async with asyncio.timeout(10):
                await websocket.wait_closed()
            return websocket.response.headers.get("Sec-WebSocket-Extensions"), websocket.close_code

    assert asyncio.run(shout()) == (None, 1009)

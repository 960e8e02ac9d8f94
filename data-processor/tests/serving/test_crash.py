"""Kill `serve` under load, with a signal it cannot catch: nothing that was acknowledged may be lost."""

import contextlib
import http.client
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

M = "census-income"
PATH = f"/v1/models/{M}/predictions"
CALLERS = 6


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def start(world: Any, port: int) -> "subprocess.Popen[bytes]":
    environment = {
        "PATH": os.environ["PATH"],
        "STATE_DIR": str(world.settings.state_dir),
        "SERVICE_TOKEN": world.settings.service_token.get_secret_value(),
        "CALLER_KEY": world.settings.caller_key.get_secret_value(),
        "SIGNING_KEY": world.settings.signing_key.get_secret_value(),
        "MLFLOW_URL": world.settings.mlflow_url,
        "PORT": str(port),
        "LOG_LEVEL": "error",
    }
    program = Path(sys.executable).with_name("data-processor")
    return subprocess.Popen([program, "serve"], env=environment)


def is_ready(port: int) -> bool:
    try:
        return ask(port, "GET", "/readyz")[0] == 200
    except OSError:
        return False


def ask(
    port: int, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
) -> tuple[int, bytes]:
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        return answer.status, answer.read()


class Load:
    """Callers who ask as fast as they can, and remember every answer they got."""

    def __init__(self, port: int, headers: Callable[..., dict[str, str]], bodies: list[bytes]) -> None:
        self.acknowledged: dict[str, str] = {}
        self.keyed: dict[str, list[str]] = {}
        self.failures: list[int] = []
        self._threads = [
            threading.Thread(target=self._ask, args=(port, headers(f"person {n}"), bodies, n))
            for n in range(CALLERS)
        ]
        for thread in self._threads:
            thread.start()

    def join(self) -> None:
        for thread in self._threads:
            thread.join(60)
            assert not thread.is_alive()

    def _ask(self, port: int, headers: dict[str, str], bodies: list[bytes], number: int) -> None:
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
            self._keep_asking(connection, headers, bodies, number)

    def _keep_asking(
        self,
        connection: http.client.HTTPConnection,
        headers: dict[str, str],
        bodies: list[bytes],
        number: int,
    ) -> None:
        for turn in range(1_000_000):
            key = f"{number} {turn}"
            sent = {**headers, "Idempotency-Key": key} if number % 2 else headers
            try:
                connection.request("POST", PATH, bodies[(number + turn) % len(bodies)], sent)
                answer = connection.getresponse()
                content = answer.read()
            except (OSError, http.client.HTTPException):
                return
            if answer.status != 200:
                self.failures.append(answer.status)
                return
            found = json.loads(content)["predictions"]
            self.acknowledged.update({one["id"]: one["label"] for one in found})
            if number % 2:
                self.keyed[key] = [one["id"] for one in found]


@pytest.mark.parametrize("kills", [3, pytest.param(20, marks=pytest.mark.services)])
def test_no_acknowledged_prediction_is_lost_when_serve_is_killed(
    serving_world: Any,
    headers: Callable[..., dict[str, str]],
    inputs: list[dict[str, Any]],
    wait_until: Callable[..., None],
    kills: int,
) -> None:
    # Singles, and bulk that is recorded in a transaction of its own.
    bodies = [json.dumps({"inputs": [row]}).encode() for row in inputs[:30]]
    bodies.append(json.dumps({"inputs": inputs * 3}).encode())
    acknowledged: dict[str, str] = {}
    draw = random.Random(7)  # noqa: S311  # moments, not secrets
    for _ in range(kills):
        port = free_port()
        server = start(serving_world, port)
        try:
            wait_until(lambda port=port: is_ready(port), 180)
            load = Load(port, headers, bodies)
            wait_until(lambda load=load: bool(load.acknowledged or load.failures))
            time.sleep(draw.uniform(0.05, 0.6))
        finally:
            server.send_signal(signal.SIGKILL)
            server.wait()
        load.join()
        assert load.failures == []
        assert load.acknowledged
        acknowledged.update(load.acknowledged)
    stored = serving_world.predictions.many(acknowledged)
    assert {one: found.output["label"] for one, found in stored.items()} == acknowledged


def test_a_repeated_request_after_a_crash_gets_the_first_answer(
    serving_world: Any,
    headers: Callable[..., dict[str, str]],
    inputs: list[dict[str, Any]],
    wait_until: Callable[..., None],
) -> None:
    body = json.dumps({"inputs": inputs[:3]}).encode()
    answers = []
    for _ in range(2):
        port = free_port()
        server = start(serving_world, port)
        try:
            wait_until(lambda port=port: is_ready(port), 180)
            answers.append(ask(port, "POST", PATH, body, {**headers(), "Idempotency-Key": "once"}))
        finally:
            server.send_signal(signal.SIGKILL)
            server.wait()
    assert answers[0] == answers[1]
    assert len(serving_world.predictions.page(M)) == 3


def test_it_ends_in_order_when_it_is_asked_to(
    serving_world: Any, headers: Callable[..., dict[str, str]], inputs: Any, wait_until: Callable[..., None]
) -> None:
    port = free_port()
    server = start(serving_world, port)
    try:
        wait_until(lambda: is_ready(port), 180)
        body = json.dumps({"inputs": inputs[:1]}).encode()
        assert ask(port, "POST", PATH, body, headers())[0] == 200
        server.terminate()
        assert server.wait(60) in (0, -signal.SIGTERM)
    finally:
        server.kill()
        server.wait()
    assert len(serving_world.predictions.page(M)) == 1

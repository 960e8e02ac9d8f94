"""Loki, Tempo and Mimir with the stack's own configurations, where a variable names the program of each.

Their images need an engine, and Debian has no packages of them. `LOKI=/path/to/loki make test` tests with one
that somebody built; what has no program is skipped in words.
"""

import contextlib
import http.server
import os
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from compose_stack.instance import free_ports
from compose_stack.observability.prometheus import FOLDER

START_S = 120.0
MIMIR_TAKES = "http://mimir:9009/api/v1/push"


@dataclass(frozen=True)
class Program:
    """How one is started: what its configuration calls its folder, and its flags."""

    name: str
    folder: str
    flags: tuple[str, ...] = ()

    @property
    def variable(self) -> str:
        return self.name.upper()

    @property
    def path(self) -> str | None:
        """The program, if somebody has named one."""
        return os.environ.get(self.variable)


LOKI = Program("loki", "/loki")
TEMPO = Program("tempo", "/var/tempo", ("-target=all",))
MIMIR = Program("mimir", "/data", ("-target=all,alertmanager",))
PROGRAMS = {program.name: program for program in (LOKI, TEMPO, MIMIR)}


@dataclass(frozen=True)
class Running:
    """Where one answers, and where it takes OTLP over HTTP."""

    url: str
    otlp: str


def required(program: Program) -> str:
    """Return the path of a program; skip the test, in words, if nobody has named one."""
    if program.path is None:
        pytest.skip(f"{program.variable} names no program: its part of telemetry was not tried here.")
    return program.path


@contextlib.contextmanager
def running(program: Program, folder: Path, mimir: str = MIMIR_TAKES) -> Iterator[Running]:
    """Start a program with its configuration of the stack, in a folder and on ports of its own.

    `mimir` is where metrics are written to in Mimir's place.
    """
    http_port, grpc_port, otlp_port = free_ports(3)
    text = (FOLDER / program.name / "config.yaml").read_text()
    text = text.replace(program.folder, str(folder / "data")).replace(":4318", f":{otlp_port}")
    text = text.replace(MIMIR_TAKES, mimir)
    text = text.replace(f"/etc/{program.name}", str(FOLDER / program.name))
    config = folder / "config.yaml"
    config.write_text(text)
    command = [
        required(program),
        *program.flags,
        f"-config.file={config}",
        "-config.expand-env=true",
        f"-server.http-listen-port={http_port}",
        f"-server.grpc-listen-port={grpc_port}",
    ]
    url = f"http://127.0.0.1:{http_port}"
    with (
        (folder / "log").open("w") as log,
        subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, cwd=folder) as process,
    ):
        try:
            deadline = time.monotonic() + START_S
            while not _ready(f"{url}/ready"):
                assert process.poll() is None, (folder / "log").read_text()[-3000:]
                assert time.monotonic() < deadline, (folder / "log").read_text()[-3000:]
                time.sleep(0.5)
            takes = f"{url}/otlp" if program is LOKI else f"http://127.0.0.1:{otlp_port}"
            yield Running(url, takes)
        finally:
            process.terminate()


def _ready(url: str) -> bool:
    try:
        return httpx.get(url, trust_env=False).is_success
    except httpx.TransportError:
        return False


@contextlib.contextmanager
def collector(backends: Mapping[str, Running]) -> Iterator[str]:
    """Pass on what services send as the stack's collector does: logs to Loki, traces to Tempo.

    What is for a backend that does not run is taken, and dropped.
    """
    signals = {"/v1/logs": "loki", "/v1/traces": "tempo"}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            backend = backends.get(signals[self.path])
            status, said = (200, b"") if backend is None else self.passed_on(backend, body)
            with contextlib.suppress(BrokenPipeError):  # who sends waits no longer on a busy machine
                self.send_response(status)
                self.end_headers()
                self.wfile.write(said)

        def passed_on(self, backend: Running, body: bytes) -> tuple[int, bytes]:
            kept = ("content-type", "content-encoding")
            headers = {name: value for name, value in self.headers.items() if name.lower() in kept}
            url = f"{backend.otlp}{self.path}"
            answer = httpx.post(url, content=body, headers=headers, timeout=30, trust_env=False)
            return answer.status_code, answer.content

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

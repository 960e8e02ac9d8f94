"""A real Prometheus (Debian's), for tests of what the stack's jobs, rules and dashboards make of metrics."""

import contextlib
import http.server
import itertools
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from compose_stack.instance import free_ports
from compose_stack.observability.asking import Backends
from compose_stack.observability.prometheus import write

START_S = 60.0


@dataclass(frozen=True)
class Prometheus:
    """One that runs, and since when."""

    client: httpx.Client
    since: float

    @property
    def backends(self) -> Backends:
        return Backends({"mimir": self.client})

    def get(self, path: str, **params: str) -> Any:
        response = self.client.get(path, params=params)
        assert response.is_success, response.text
        return response.json()["data"]

    def query(self, text: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.get("api/v1/query", query=text)["result"]
        return found

    def unhealthy_rules(self) -> list[dict[str, Any]]:
        """Return the rules whose expression could not be evaluated."""
        groups = self.get("api/v1/rules")["groups"]
        return [rule for group in groups for rule in group["rules"] if rule["health"] == "err"]

    def until(self, text: str, patience_s: float = 60) -> list[dict[str, Any]]:
        """Return the first answer that is not empty."""
        deadline = time.monotonic() + patience_s
        while not (found := self.query(text)):
            assert time.monotonic() < deadline, f"nothing answers {text}"
            time.sleep(0.2)
        return found


@contextlib.contextmanager
def prometheus(folder: Path, config: Mapping[str, Any]) -> Iterator[Prometheus]:
    program = shutil.which("prometheus")
    if program is None:
        pytest.skip("prometheus is not installed: it is in Debian's package of that name")
    (port,) = free_ports(1)
    write(folder / "prometheus.yaml", config)
    command = [
        program,
        f"--config.file={folder / 'prometheus.yaml'}",
        f"--storage.tsdb.path={folder / 'tsdb'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--enable-feature=exemplar-storage",
    ]
    with (
        (folder / "prometheus.log").open("w") as log,
        subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT) as process,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30, trust_env=False) as client,
    ):
        try:
            deadline = time.monotonic() + START_S
            while not _ready(client):
                assert process.poll() is None, (folder / "prometheus.log").read_text()
                assert time.monotonic() < deadline, "Prometheus does not become ready"
                time.sleep(0.1)
            yield Prometheus(client, time.time())
        finally:
            process.terminate()


def _ready(client: httpx.Client) -> bool:
    try:
        return client.get("-/ready").is_success
    except httpx.TransportError:
        return False


@contextlib.contextmanager
def page(shown: Callable[[int], str]) -> Iterator[str]:
    """Serve a page of metrics, made anew for the n-th scrape; yield its address."""
    scrapes = itertools.count(1)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.end_headers()
            self.wfile.write(shown(next(scrapes)).encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

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
import yaml

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

    def query(self, text: str, at: float | None = None) -> list[dict[str, Any]]:
        """Return the answer now, or as it was `at` a time in seconds since 1970."""
        asked = {"query": text} if at is None else {"query": text, "time": str(at)}
        found: list[dict[str, Any]] = self.get("api/v1/query", **asked)["result"]
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


def at_once(rules: Path, file: Path) -> Path:
    """Write the alerts again, with the label `at_once`, to fire as soon as their condition holds."""
    groups = []
    for path in sorted(rules.glob("*.yaml")):
        for group in yaml.safe_load(path.read_text())["groups"]:
            alerts = [rule for rule in group["rules"] if "alert" in rule]
            for alert in alerts:
                alert.pop("for", None)
                alert["labels"]["at_once"] = "true"
            if alerts:
                groups.append({"name": f"{group['name']} at once", "rules": alerts})
    write(file, {"groups": groups})
    return file


@contextlib.contextmanager
def prometheus(folder: Path, config: Mapping[str, Any], port: int | None = None) -> Iterator[Prometheus]:
    """Start one with its data in a folder; it takes what is written to it, too. `port`: a free one."""
    program = shutil.which("prometheus")
    if program is None:
        pytest.skip("prometheus is not installed: it is in Debian's package of that name")
    port = port or free_ports(1)[0]
    write(folder / "prometheus.yaml", config)
    command = [
        program,
        f"--config.file={folder / 'prometheus.yaml'}",
        f"--storage.tsdb.path={folder / 'tsdb'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--enable-feature=exemplar-storage",
        "--web.enable-remote-write-receiver",
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

"""The probes of a container before others find it; a fake Docker runs them on this machine."""

import subprocess
import threading
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from compose_stack.delivery.containers import Container
from compose_stack.delivery.docker import Docker
from compose_stack.delivery.probes import Probe, Prober
from compose_stack.delivery.problems import Problem

CONTAINER = Container("c0", "stage-serve-2", "serve", "", "", "running", "healthy", 0, 0, {})


@pytest.fixture
def port() -> Iterator[int]:
    """The port of a server that knows one path, and refuses strangers at another."""

    class Face(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response({"/readyz": 200, "/v1/models": 401}.get(self.path, 503))
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Face)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


def probe(*probes: Probe) -> list[str]:
    """Send the probes, and return the options of the container that sent the last one."""
    calls: list[Sequence[str]] = []

    def start(call: Sequence[str]) -> subprocess.CompletedProcess[str]:
        calls.append(call)
        script = call[call.index("-c") :]
        return subprocess.run(["bash", *script], check=False, capture_output=True, text=True)

    Prober(Docker(start=start), "caddy", {"serve": probes}, patience_s=1)(CONTAINER)
    return list(calls[-1][: calls[-1].index("-c")]) if calls else []


def test_good_answers_let_a_container_pass_from_within_its_own_network(port: int) -> None:
    options = probe(Probe(port, "/readyz"), Probe(port, "/v1/models", 401))
    assert options[options.index("--network") + 1] == "container:c0"
    assert {"--rm", "--read-only", "--cap-drop=ALL", "--pull=never"} <= set(options)


def test_a_service_without_probes_passes() -> None:
    assert probe() == []


def test_another_answer_is_quoted(port: int) -> None:
    with pytest.raises(Problem, match=r"stage-serve-2 does not answer /other with 200: HTTP/1.0 503 Service"):
        probe(Probe(port, "/other"))


def test_a_closed_port_is_no_answer() -> None:
    with pytest.raises(Problem, match="does not answer /readyz with 200: no connection"):
        probe(Probe(9, "/readyz"))

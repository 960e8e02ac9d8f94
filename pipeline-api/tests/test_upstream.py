"""What happens between gateway and data-processor when connections do not last."""

import asyncio
import socket
import threading
from collections.abc import Callable, Iterable, Iterator

import pytest
from prometheus_client import CollectorRegistry

from fake_processor import FakeProcessor
from pipeline_api.connection_pool import CannotConnect, UpstreamResponse
from pipeline_api.metrics import GatewayMetrics
from pipeline_api.service.errors import UpstreamUnreachable
from pipeline_api.upstream import Upstream
from running import Gateway, Server

PREDICT = "/v1/models/census-income/predictions"
INPUTS = {"inputs": [{"age": 39}]}
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


class Fickle:
    """A server that closes some of its connections after it has read a request."""

    def __init__(self) -> None:
        self.requests = 0
        self.lines: list[str] = []
        self.broken: Callable[[int], bool] = lambda _number: False
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as file:
            while line := file.readline():
                length = 0
                self.lines.append(line.decode().strip())
                while line.strip():
                    if line.lower().startswith(b"content-length:"):
                        length = int(line.split(b":")[1])
                    line = file.readline()
                file.read(length)
                self.requests += 1
                if self.broken(self.requests):
                    return
                connection.sendall(OK)

    def close(self) -> None:
        self._listener.close()


@pytest.fixture
def fickle() -> Iterator[Fickle]:
    server = Fickle()
    yield server
    server.close()


@pytest.fixture
def gateway(open_gateway: Callable[..., Gateway], fickle: Fickle) -> Gateway:
    return open_gateway(processor_url=fickle.url)


KEYED = {"Idempotency-Key": "once"}
FEEDBACK = "/v1/predictions/p/feedback"


@pytest.mark.parametrize(
    ("method", "path", "more"),
    [("POST", PREDICT, KEYED), ("POST", FEEDBACK, KEYED), ("GET", "/v1/models", {})],
)
def test_what_may_be_repeated_is_sent_once_more(
    gateway: Gateway, fickle: Fickle, method: str, path: str, more: dict[str, str]
) -> None:
    fickle.broken = lambda number: number == 1

    answer = gateway.client.request(method, path, headers=gateway.admin | more)

    assert answer.status_code == 200
    assert fickle.requests == 2


@pytest.mark.parametrize("path", [PREDICT, "/v1/models/m/runs"])
def test_what_may_not_be_repeated_is_502_and_says_how_it_could_be(
    gateway: Gateway, fickle: Fickle, path: str
) -> None:
    fickle.broken = lambda number: number == 1

    answer = gateway.client.post(path, json=INPUTS, headers=gateway.admin)

    assert answer.status_code == 502
    assert "Idempotency-Key" in answer.json()["detail"]
    assert fickle.requests == 1


@pytest.mark.parametrize("path", ["/v1/models/m/runs", "/v1/models/m/rollback", "/v1/models/m/promotions"])
def test_a_key_that_nothing_heeds_makes_no_call_repeatable(
    gateway: Gateway, fickle: Fickle, path: str
) -> None:
    fickle.broken = lambda number: number == 1

    assert gateway.client.post(path, json=INPUTS, headers=gateway.admin | KEYED).status_code == 502
    assert fickle.requests == 1


@pytest.mark.parametrize(("method", "path"), [("POST", PREDICT), ("POST", FEEDBACK), ("GET", "/v1/models")])
def test_nothing_is_sent_for_ever(gateway: Gateway, fickle: Fickle, method: str, path: str) -> None:
    fickle.broken = lambda _number: True

    answer = gateway.client.request(method, path, headers=gateway.admin | KEYED)

    assert answer.status_code == 502
    assert fickle.requests == 2


@pytest.mark.parametrize("path", [PREDICT, "/v1/models"])
def test_a_processor_that_was_restarted_costs_no_request(
    open_gateway: Callable[..., Gateway], path: str
) -> None:
    server = Server(FakeProcessor())
    gateway = open_gateway(processor_url=server.url)
    try:
        for _ in range(3):
            assert gateway.client.post(path, json=INPUTS, headers=gateway.admin).status_code == 200
            server.stop()
            server.start()
    finally:
        server.stop()


class Dead:
    """A pool whose first replicas are gone: nobody took the connection."""

    def __init__(self, gone: int) -> None:
        self._gone = gone
        self._asked = False

    async def request(self, _parts: Iterable[bytes], *, fresh: bool = False) -> UpstreamResponse:
        assert fresh == self._asked
        self._asked = True
        self._gone -= 1
        if self._gone >= 0:
            raise CannotConnect("no route to host")
        return UpstreamResponse(200, {}, b"{}")


@pytest.mark.parametrize(("gone", "reached"), [(1, True), (2, False)])
def test_what_reached_nobody_is_sent_once_more_whatever_it_is(gone: int, reached: bool) -> None:
    metrics = GatewayMetrics(CollectorRegistry())
    upstream = Upstream("http://processor", "token", None, metrics, polls=1)  # type: ignore[arg-type]
    upstream._prediction_pool = Dead(gone)  # type: ignore[assignment]

    async def ask() -> int:
        return (await upstream.request("POST", "/v1/anything", headers={}, timeout_s=5)).status

    if reached:
        assert asyncio.run(ask()) == 200
    else:
        with pytest.raises(UpstreamUnreachable, match="cannot be reached"):
            asyncio.run(ask())


def test_retries_are_counted(gateway: Gateway, fickle: Fickle) -> None:
    fickle.broken = lambda number: number == 1

    gateway.client.post(PREDICT, json=INPUTS, headers=gateway.admin | KEYED)

    assert "loopkeeper_upstream_retries_total 1.0" in gateway.client.get("/metrics").text


@pytest.mark.parametrize("path", ["/v1/models", PREDICT])
def test_a_processor_may_live_below_a_path(
    open_gateway: Callable[..., Gateway], fickle: Fickle, path: str
) -> None:
    gateway = open_gateway(processor_url=f"{fickle.url}/below/")

    gateway.client.post(path, json=INPUTS, headers=gateway.admin)

    assert fickle.lines[-1] == f"POST /below{path} HTTP/1.1"

"""What clients may try with the bytes themselves."""

import re
import socket
import time

import httpx
import pytest

from fake_processor import FakeProcessor, Reply
from running import PASSWORD, Server


def talk(server: Server, request: bytes, *, patience_s: float = 10) -> bytes:
    """Return everything a gateway says to these bytes until it is silent."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=patience_s) as connection:
        connection.sendall(request)
        answer = b""
        try:
            while chunk := connection.recv(65536):
                answer += chunk
                if answer.count(b"\r\n\r\n") and patience_s > 0.3:
                    connection.settimeout(0.5)
        except TimeoutError:
            pass
        return answer


def statuses(answer: bytes) -> list[int]:
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", answer)]


def assert_idle(server: Server) -> None:
    """Wait until nobody has a request in work."""
    rate_limit = next(iter(server.app.state.auth.verifier._cache.values())).rate_limit
    deadline = time.monotonic() + 10
    while rate_limit.in_flight:
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture
def token(live: Server) -> bytes:
    signed_in = httpx.post(
        f"{live.url}/v1/auth/token", data={"username": "admin", "password": PASSWORD}, timeout=30
    )
    token: str = signed_in.json()["access_token"]
    return token.encode()


def predict(token: bytes, *headers: bytes, body: bytes = b'{"inputs":[{}]}') -> bytes:
    lines = b"".join(header + b"\r\n" for header in headers)
    return (
        b"POST /v1/models/m/predictions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + token + b"\r\n"
        b"Content-Type: application/json\r\n" + lines + b"\r\n" + body
    )


def test_a_body_in_chunks_is_read(live: Server, token: bytes, processor: FakeProcessor) -> None:
    chunked = b'8\r\n{"inputs\r\n7\r\n":[{}]}\r\n0\r\n\r\n'

    answer = talk(live, predict(token, b"Transfer-Encoding: chunked", body=chunked))

    assert statuses(answer) == [200]
    assert processor.calls[-1].headers["content-length"] == "15"
    assert "transfer-encoding" not in processor.calls[-1].headers


@pytest.mark.parametrize(
    "headers",
    [
        (b"Content-Length: 15", b"Transfer-Encoding: chunked"),
        (b"Transfer-Encoding: chunked", b"Content-Length: 15"),
        (b"Content-Length: 15", b"Content-Length: 16"),
        (b"Transfer-Encoding: xchunked",),
        (b"Transfer-Encoding: chunked, identity",),
        (b"Content-Length: +15",),
        (b"Content-Length: 0x0f",),
        (b"Content-Length : 15",),
        (b"Bad\x00Header: 1", b"Content-Length: 15"),
        (b"X: a\x0bb\x00c", b"Content-Length: 15"),
    ],
)
def test_a_request_of_two_lengths_or_none_is_refused(
    live: Server, token: bytes, processor: FakeProcessor, headers: tuple[bytes, ...]
) -> None:
    hidden = b"GET /v1/models/hidden HTTP/1.1\r\nHost: x\r\n\r\n"
    calls = len(processor.calls)

    answer = talk(live, predict(token, *headers) + hidden)

    assert statuses(answer) in ([400], [])
    assert len(processor.calls) == calls


@pytest.mark.parametrize("value", [b"a\r b", b"a\x01b", b"a\x7fb", b"caf\xe9"])
def test_no_header_ends_another_behind_the_gateway(
    live: Server, token: bytes, processor: FakeProcessor, value: bytes
) -> None:
    calls = len(processor.calls)

    answer = talk(live, predict(token, b"Idempotency-Key: " + value, b"Content-Length: 15"))

    assert statuses(answer) == [400]
    assert len(processor.calls) == calls


@pytest.mark.parametrize(
    "target",
    [
        b"/v1/models/..%2f..%2freadyz",
        b"/v1/models/%2e%2e/readyz",
        b"/v1/models/../../readyz",
        b"/v1/models/x%0d%0aX-Injected:%201",
        b"/v1/models/x%00",
        b"//v1/models",
        b"/v1//models",
    ],
)
def test_no_path_leads_to_what_is_not_public(
    live: Server, token: bytes, processor: FakeProcessor, target: bytes
) -> None:
    calls = len(processor.calls)

    answer = talk(
        live, b"GET " + target + b" HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + token + b"\r\n\r\n"
    )

    assert statuses(answer) == [404]
    assert len(processor.calls) == calls


def test_pipelined_requests_are_answered_in_order(live: Server, token: bytes) -> None:
    one = b"GET /v1/models/%s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + token + b"\r\n\r\n"

    answer = talk(live, one % b"a" + one % b"b" + one % b"c")

    assert statuses(answer) == [200] * 3
    positions = [answer.index(b"/v1/models/" + name) for name in (b"a", b"b", b"c")]
    assert positions == sorted(positions)


def test_two_credentials_are_none(live: Server, token: bytes) -> None:
    answer = talk(live, predict(token, b"Authorization: Bearer " + token, b"Content-Length: 15"))

    assert statuses(answer) == [401]


def test_a_client_that_hangs_up_disturbs_nobody(live: Server, token: bytes, processor: FakeProcessor) -> None:
    for _ in range(10):
        with socket.create_connection(("127.0.0.1", live.port)) as connection:
            connection.sendall(predict(token, b"Content-Length: 1000", body=b"only the beginning"))
        with socket.create_connection(("127.0.0.1", live.port)) as connection:
            connection.sendall(predict(token, b"Content-Length: 15"))

    answer = talk(live, predict(token, b"Content-Length: 15"))

    assert statuses(answer) == [200]
    assert_idle(live)
    assert 'status="500"' not in httpx.get(f"{live.url}/metrics").text
    assert all(call.json == {"inputs": [{}]} for call in processor.calls)


def test_a_download_ends_when_the_client_hangs_up(
    live: Server, token: bytes, processor: FakeProcessor
) -> None:
    endless = [b"x" * 65536] * 100_000
    processor.on("GET", "/v1/runs/1/logs", Reply(200, endless, {"content-type": "text/plain"}))
    request = b"GET /v1/runs/1/logs HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + token + b"\r\n\r\n"

    with socket.create_connection(("127.0.0.1", live.port)) as connection:
        connection.sendall(request)
        assert connection.recv(1000).startswith(b"HTTP/1.1 200 OK")

    assert_idle(live)

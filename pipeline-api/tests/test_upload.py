"""Large bodies on their way through: passed on while they come, bounded, and honest about what went wrong."""

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest

from fake_processor import PROBLEM, FakeProcessor, Reply
from pipeline_api import app as app_module
from pipeline_api import upload as upload_module
from pipeline_api.routes import DATASETS, OPERATIONS
from pipeline_api.service.errors import BadRequest
from pipeline_api.upload import Upload
from running import Gateway, Server

PIECE = b"x" * 65_536
OK = b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


class Eager:
    """A server that notes how much of a body is there before it is whole."""

    def __init__(self) -> None:
        self.began = threading.Event()
        self.received = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                head = b""
                while b"\r\n\r\n" not in head:
                    head += connection.recv(1)
                connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
                length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
                while self.received < length:
                    self.received += len(connection.recv(1 << 20))
                    if self.received >= len(PIECE):
                        self.began.set()
                connection.sendall(OK)

    def close(self) -> None:
        self._listener.close()


@pytest.fixture
def eager() -> Iterator[Eager]:
    server = Eager()
    yield server
    server.close()


def test_an_upload_is_passed_on_before_it_is_whole(
    gateway_settings: Callable[..., Any], eager: Eager
) -> None:
    live = Server(app_module.create_app(gateway_settings(processor_url=eager.url)))
    arrived_early = False

    def pieces() -> Iterator[bytes]:
        nonlocal arrived_early
        yield PIECE
        arrived_early = eager.began.wait(60)
        for _ in range(99):
            yield PIECE

    try:
        with httpx.Client(base_url=live.url, timeout=90) as client:
            form = {"username": "admin", "password": "correct horse battery"}
            token = client.post("/v1/auth/token", data=form).json()["access_token"]
            headers = {"Authorization": f"Bearer {token}", "Content-Length": str(100 * len(PIECE))}
            answer = client.post(DATASETS, content=pieces(), headers=headers)
    finally:
        live.stop()
    assert answer.status_code == 201
    assert arrived_early
    assert eager.received == 100 * len(PIECE)


def test_a_refusal_before_the_body_is_read_reaches_the_client(open_gateway: Callable[..., Gateway]) -> None:
    refusal = b'{"status":413,"title":"Content Too Large","detail":"Too large."}'
    listener = socket.create_server(("127.0.0.1", 0))

    def refuse() -> None:
        """Answer by the head alone and hang up, as a server does that reads no more."""
        connection, _ = listener.accept()
        with connection:
            head = b""
            while b"\r\n\r\n" not in head:
                head += connection.recv(1)
            connection.sendall(
                b"HTTP/1.1 413 Content Too Large\r\nContent-Type: application/problem+json\r\n"
                b"Connection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(refusal), refusal)
            )

    threading.Thread(target=refuse, daemon=True).start()
    gateway = open_gateway(processor_url=f"http://127.0.0.1:{listener.getsockname()[1]}")
    with listener:
        answer = gateway.client.post(DATASETS, content=PIECE * 100, headers=gateway.admin)

    assert (answer.status_code, answer.json()["detail"]) == (413, "Too large.")


def test_a_form_arrives_as_it_was_sent(gateway: Gateway, processor: FakeProcessor) -> None:
    content = bytes(range(256)) * 20_000

    answer = gateway.client.post(
        DATASETS, data={"name": "bytes"}, files={"file": ("b.csv", content)}, headers=gateway.admin
    )

    assert answer.status_code == 200
    call = processor.calls[-1]
    assert content in call.body
    assert call.headers["content-type"].startswith("multipart/form-data; boundary=")
    assert int(call.headers["content-length"]) == len(call.body)


def test_uploads_have_a_limit_of_their_own(
    open_gateway: Callable[..., Gateway], processor: FakeProcessor
) -> None:
    gateway = open_gateway(max_body_bytes=1000, max_upload_bytes=100_000)

    fits = gateway.client.post(DATASETS, content=b"x" * 50_000, headers=gateway.admin)
    announced = gateway.client.post(DATASETS, content=b"x" * 100_001, headers=gateway.admin)
    grown = gateway.client.post(DATASETS, content=iter([PIECE] * 2), headers=gateway.admin)

    assert fits.status_code == 200
    assert (announced.status_code, grown.status_code) == (413, 413)
    assert grown.headers["content-type"] == PROBLEM
    assert len(processor.calls) == 1


def test_a_user_may_not_upload(gateway: Gateway, processor: FakeProcessor) -> None:
    answer = gateway.client.post(DATASETS, content=PIECE, headers=gateway.new_user("ann"))

    assert answer.status_code == 403
    assert not processor.calls


def test_a_client_that_hangs_up_before_the_answer_ends_the_work_on_its_upload(
    gateway_settings: Callable[..., Any],
) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    taken, dropped = threading.Event(), threading.Event()

    def work() -> None:
        connection, _ = listener.accept()
        with connection:
            received = b""
            while b"\r\n\r\n" not in received:
                received += connection.recv(1)
            connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            received = b""
            while len(received) < len(PIECE):
                received += connection.recv(1 << 20)
            taken.set()
            connection.settimeout(10)
            if not connection.recv(1):  # the end of the connection, before any answer
                dropped.set()

    threading.Thread(target=work, daemon=True).start()
    live = Server(
        app_module.create_app(gateway_settings(processor_url=f"http://127.0.0.1:{listener.getsockname()[1]}"))
    )
    try:
        form = {"username": "admin", "password": "correct horse battery"}
        token = httpx.post(f"{live.url}/v1/auth/token", data=form).json()["access_token"]
        address = httpx.URL(live.url)
        with listener, socket.create_connection((address.host, address.port or 80)) as client:
            head = (
                f"POST {DATASETS} HTTP/1.1\r\nHost: gateway\r\nContent-Length: {len(PIECE)}\r\n"
                f"Authorization: Bearer {token}\r\n\r\n"
            )
            client.sendall(head.encode() + PIECE)
            assert taken.wait(60)
            client.close()
            assert dropped.wait(60)
    finally:
        live.stop()


def test_a_processor_that_takes_too_long_over_an_upload_is_504(
    open_gateway: Callable[..., Gateway], processor: FakeProcessor, monkeypatch: pytest.MonkeyPatch
) -> None:
    impatient = tuple(replace(operation, timeout_s=0.3) for operation in OPERATIONS)
    monkeypatch.setattr(app_module, "OPERATIONS", impatient)
    gateway = open_gateway()

    def slowly() -> Iterator[bytes]:
        for _ in range(6):
            yield PIECE
            time.sleep(0.1)

    # Longer than the timeout in all, but never still for so long.
    assert gateway.client.post(DATASETS, content=slowly(), headers=gateway.admin).status_code == 200
    processor.on("POST", DATASETS, Reply(delay_s=2))
    answer = gateway.client.post(DATASETS, content=PIECE, headers=gateway.admin)

    assert answer.status_code == 504
    assert answer.headers["content-type"] == PROBLEM


def test_an_unreachable_processor_is_502_for_uploads_too(open_gateway: Callable[..., Gateway]) -> None:
    gateway = open_gateway(processor_url="http://127.0.0.1:1")

    answer = gateway.client.post(DATASETS, content=PIECE, headers=gateway.admin)

    assert answer.status_code == 502
    assert "cannot be reached" in answer.json()["detail"]


def test_a_client_that_breaks_off_or_stands_still_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    async def take(receive: Any) -> Upload:
        upload = Upload({"headers": []}, receive)
        async with asyncio.timeout(10) as deadline:
            with pytest.raises(BadRequest):
                async for _ in upload.pieces(deadline, 10):
                    pass
        return upload

    async def hang_up() -> Any:
        return {"type": "http.disconnect"}

    async def stand_still() -> Any:
        await asyncio.sleep(60)

    assert "before its body was complete" in str(asyncio.run(take(hang_up)).error)
    monkeypatch.setattr(upload_module, "STALLED_S", 0.05)
    assert "Nothing arrived" in str(asyncio.run(take(stand_still)).error)

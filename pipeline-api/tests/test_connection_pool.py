import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline_api import connection_pool as pool_module
from pipeline_api.connection_pool import CannotConnect, ConnectionLost, ConnectionPool, UpstreamResponse

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
REQUEST = (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",)


@asynccontextmanager
async def pool_to(handle: Handler, limit: int = 4, keepalive_s: float = 30) -> AsyncIterator[ConnectionPool]:
    """Yield a pool of connections to a server that treats each of them as told."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await handle(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    pool = ConnectionPool(
        "127.0.0.1", port, tls=False, limit=limit, keepalive_s=keepalive_s, connect_timeout_s=2
    )
    try:
        yield pool
    finally:
        pool.close()
        server.close()


def answering(*pieces: bytes) -> Handler:
    """Answer each request with these pieces, one write each."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await reader.readuntil(b"\r\n\r\n")
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0)

    return handle


def ask(handle: Handler, times: int = 1) -> UpstreamResponse:
    async def run() -> UpstreamResponse:
        async with pool_to(handle) as pool:
            for _ in range(times - 1):
                await pool.request(REQUEST)
            return await pool.request(REQUEST)

    return asyncio.run(run())


def test_an_answer_with_a_length_is_read() -> None:
    answer = ask(
        answering(b"HTTP/1.1 201 Created\r\nX-One: 1\r\nContent-Length: 5\r\n\r\n", b"hello"), times=3
    )

    assert answer == UpstreamResponse(201, {b"x-one": b"1", b"content-length": b"5"}, b"hello")


def test_a_chunked_answer_is_read() -> None:
    pieces = (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"3\r\nabc\r\n2\r\nde\r\n",
        b"0\r\n\r\n",
    )

    assert ask(answering(*pieces), times=2).body == b"abcde"


def test_an_answer_without_a_body_is_read() -> None:
    assert ask(answering(b"HTTP/1.1 204 No Content\r\n\r\n"), times=2) == UpstreamResponse(204, {}, b"")


def test_an_interim_answer_is_skipped() -> None:
    pieces = (
        b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    )

    answer = ask(answering(*pieces))

    assert (answer.status, answer.body) == (200, b"ok")
    assert b"link" not in answer.headers


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 60), max_size=12))
def test_an_answer_may_come_in_any_pieces(cuts: list[int]) -> None:
    whole = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 11\r\n\r\nhello world"
    points = sorted({0, len(whole), *(min(cut, len(whole)) for cut in cuts)})
    pieces = [whole[a:b] for a, b in pairwise(points)]

    assert ask(answering(*pieces)).body == b"hello world"


def test_connections_are_kept() -> None:
    opened = 0

    async def counting(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal opened
        opened += 1
        await answering(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")(reader, writer)

    ask(counting, times=10)

    assert opened == 1


def test_a_connection_that_is_to_be_closed_is_not_kept() -> None:
    opened = 0

    async def counting(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal opened
        opened += 1
        await answering(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")(reader, writer)

    ask(counting, times=3)

    assert opened == 3


def test_a_connection_that_was_idle_for_too_long_is_not_used_again() -> None:
    opened = 0

    async def counting(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal opened
        opened += 1
        await answering(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")(reader, writer)

    async def run() -> None:
        async with pool_to(counting, keepalive_s=0.01) as pool:
            await pool.request(REQUEST)
            await asyncio.sleep(0.03)
            await pool.request(REQUEST)

    asyncio.run(run())

    assert opened == 2


def test_a_fresh_request_uses_no_connection_kept_to_a_replica_that_is_going_away() -> None:
    """Each answers once, slowly enough that there are two, and breaks off at its second request."""

    async def leaving(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await asyncio.sleep(0.02)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")

    async def run() -> None:
        async with pool_to(leaving) as pool:
            await asyncio.gather(pool.request(REQUEST), pool.request(REQUEST))
            with pytest.raises(ConnectionLost):
                await pool.request(REQUEST)
            assert (await pool.request(REQUEST, fresh=True)).status == 200

    asyncio.run(run())


def test_a_connection_closed_while_idle_is_replaced_without_an_error() -> None:
    async def one_each(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()

    async def run() -> None:
        async with pool_to(one_each) as pool:
            for _ in range(5):
                await pool.request(REQUEST)
                await asyncio.sleep(0.02)

    asyncio.run(run())


@pytest.mark.parametrize(
    "pieces",
    [
        (b"",),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf",),
        (b"HTTP/1.1 200 OK\r\nContent-Le",),
        (b"this is not HTTP\r\n\r\n",),
        (b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",),
        (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",),
    ],
)
def test_an_answer_that_breaks_off_or_makes_no_sense_is_an_error(pieces: tuple[bytes, ...]) -> None:
    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        for piece in pieces:
            writer.write(piece)
        await writer.drain()

    with pytest.raises(ConnectionLost):
        ask(once)


def test_an_answer_that_nobody_asked_for_is_never_given_to_the_next_request() -> None:
    both = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\noneHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\ntwo"

    async def run() -> list[bytes]:
        async with pool_to(answering(both)) as pool:
            return [(await pool.request(REQUEST)).body for _ in range(4)]

    assert asyncio.run(run()) == [b"one"] * 4


def test_a_late_answer_is_never_given_to_the_next_request() -> None:
    count = 0

    async def slow_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal count
        while True:
            await reader.readuntil(b"\r\n\r\n")
            count += 1
            number = count
            if number == 1:
                await asyncio.sleep(0.1)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n%d" % number)
            await writer.drain()

    async def run() -> bytes:
        async with pool_to(slow_once) as pool:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.02):
                    await pool.request(REQUEST)
            answer = await pool.request(REQUEST)
            await asyncio.sleep(0.15)
            return answer.body

    assert asyncio.run(run()) == b"2"


def test_an_answer_that_is_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool_module, "MAX_RESPONSE_BYTES", 10)

    with pytest.raises(ConnectionLost):
        ask(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n12345678901"))


def test_no_more_connections_are_open_than_allowed() -> None:
    open_now = most = 0

    async def counting(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal open_now, most
        open_now += 1
        most = max(most, open_now)
        try:
            while True:
                await reader.readuntil(b"\r\n\r\n")
                await asyncio.sleep(0.002)
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                await writer.drain()
        finally:
            open_now -= 1

    async def run() -> None:
        async with pool_to(counting, limit=3) as pool:
            await asyncio.gather(*(pool.request(REQUEST) for _ in range(40)))

    asyncio.run(run())

    assert most == 3


def test_whoever_gives_up_waiting_takes_no_connection_with_them() -> None:
    async def run() -> None:
        async with pool_to(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), limit=1) as pool:
            for _ in range(20):
                waiting = [asyncio.create_task(pool.request(REQUEST)) for _ in range(5)]
                await asyncio.sleep(0)
                for task in waiting[1:]:
                    task.cancel()
                await asyncio.gather(*waiting, return_exceptions=True)
            async with asyncio.timeout(5):
                await pool.request(REQUEST)

    asyncio.run(run())


def test_every_one_of_many_gets_its_own_answer() -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            name = head.split(b" ")[1]
            await asyncio.sleep(hash(name) % 5 / 1000)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(name), name))
            await writer.drain()

    async def run() -> None:
        async with pool_to(echo, limit=16) as pool:

            async def one(number: int) -> None:
                answer = await pool.request((b"GET /%d HTTP/1.1\r\nHost: x\r\n\r\n" % number,))
                assert answer.body == b"/%d" % number

            await asyncio.gather(*(one(number) for number in range(500)))

    asyncio.run(run())


def test_nobody_there_means_that_nothing_was_sent() -> None:
    async def run() -> None:
        pool = ConnectionPool("127.0.0.1", 1, tls=False, limit=1, keepalive_s=1, connect_timeout_s=2)
        await pool.request(REQUEST)

    with pytest.raises(CannotConnect):
        asyncio.run(run())

"""Requests to the data-processor: kept connections, one retry where that is safe, errors in words."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator, Mapping
from time import perf_counter
from types import TracebackType
from typing import Self

import aiohttp
from yarl import URL

from pipeline_api.auth.verifier import Verified, Verifier
from pipeline_api.caller import CALLER_HEADER
from pipeline_api.connection_pool import CannotConnect, ConnectionLost, ConnectionPool, UpstreamResponse
from pipeline_api.headers import IDEMPOTENCY_KEY
from pipeline_api.metrics import GatewayMetrics
from pipeline_api.service.errors import UpstreamSlow, UpstreamUnreachable
from pipeline_api.service.signals import DeclaredSpan
from pipeline_api.service.spans import close_span, open_span
from pipeline_api.service.trace_context import current_request, new_traceparent
from pipeline_api.upload import Upload

CONNECTIONS = 64
"""For predictions, and as many again for everything else: slow calls do not delay predictions."""
KEEPALIVE_S = 30
"""Shorter than the processor keeps an idle connection open (75 s), so that this side closes it."""
CONNECT_TIMEOUT_S = 2
TRACEPARENT = "traceparent"
SPANS = (
    DeclaredSpan(
        "{method}",
        "client",
        "A call of the data-processor.",
        ("http.request.method", "server.address", "server.port"),
        ("http.response.status_code", "error.type"),
    ),
)

# The client library itself retries these when a kept connection turns out to be closed (RFC 9110, 9.2.2).
_IDEMPOTENT = frozenset({"GET", "HEAD", "PUT", "DELETE"})
_FIRST_ERROR = 400
_UNAUTHORIZED = 401
_NOTHING: Mapping[str, str] = {}


class Upstream:
    """The data-processor, as the gateway calls it."""

    def __init__(
        self, base: str, service_token: str, verifier: Verifier, metrics: GatewayMetrics, *, polls: int
    ) -> None:
        """Prepare to call a base URL; `async with` opens the connections, at most `polls` for long polls."""
        self._base = base.rstrip("/")
        url = URL(self._base)
        self._address = (url.raw_host or "", url.port or 80, url.scheme == "https")
        self._host = url.host_port_subcomponent
        self._prefix = url.raw_path.rstrip("/")
        self._authorization = f"Bearer {service_token}"
        self._verifier = verifier
        self._metrics = metrics
        self._polls = polls

    async def __aenter__(self) -> Self:
        """Open the connection pools: no kind of call waits for another kind."""
        self._prediction_pool = self._new_pool(CONNECTIONS)
        self._long_poll_pool = self._new_pool(self._polls)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=CONNECTIONS, keepalive_timeout=KEEPALIVE_S),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            # Headers that the client did not send are not added on the way.
            skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close every connection."""
        self._prediction_pool.close()
        self._long_poll_pool.close()
        await self._session.close()

    def headers(self, caller: Verified, passed_on: Mapping[str, str] = _NOTHING) -> dict[str, str]:
        """Return the headers of a request on a caller's behalf."""
        return {
            "Authorization": self._authorization,
            CALLER_HEADER: self._verifier.signed(caller),
            TRACEPARENT: new_traceparent(),
            **passed_on,
        }

    async def request(
        self,
        method: str,
        target: str,
        *,
        headers: Mapping[str, str],
        timeout_s: float,
        body: bytes = b"",
        long_poll: bool = False,
    ) -> UpstreamResponse:
        """Send a request and return the complete response; raise 502 or 504 when there is none.

        `target` is percent-encoded; headers contain no control characters. When no connection could be made,
        or one was lost and the request may be sent twice, it is retried once: another replica may answer.
        `long_poll`: the processor may hold its answer back.
        """
        repeatable = method in _IDEMPOTENT or IDEMPOTENCY_KEY in headers
        pool = self._long_poll_pool if long_poll else self._prediction_pool
        with self._call(method, timeout_s, repeatable=repeatable) as call:
            traced = call.traced(headers)
            lines = "".join([f"{name}: {value}\r\n" for name, value in traced.items()])
            head = (
                f"{method} {self._prefix}{target} HTTP/1.1\r\nHost: {self._host}\r\n"
                f"Content-Length: {len(body)}\r\n{lines}\r\n"
            ).encode("ascii")
            parts = (head, body) if body else (head,)
            async with asyncio.timeout(timeout_s):
                try:
                    answer = await pool.request(parts)
                except (ConnectionLost, CannotConnect) as error:
                    if isinstance(error, ConnectionLost) and not repeatable:
                        raise
                    self._metrics.upstream_retries.inc()
                    answer = await pool.request(parts, fresh=True)
            call.ended(answer.status)
        return answer

    @contextlib.asynccontextmanager
    async def stream(
        self, method: str, target: str, *, headers: Mapping[str, str], timeout_s: float, body: bytes = b""
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Send a request and yield the response with its body unread; raise 502 or 504 when there is none.

        The same as `request`, for answers that may be large or late.
        """
        idempotent = method in _IDEMPOTENT
        again = not idempotent and IDEMPOTENCY_KEY in headers
        with self._call(method, timeout_s, repeatable=idempotent or again) as call:
            response = await self._send(
                method, target, headers=call.traced(headers), body=body, timeout_s=timeout_s, again=again
            )
            async with response:
                call.ended(response.status)
                yield response

    @contextlib.asynccontextmanager
    async def upload(
        self, method: str, target: str, *, headers: Mapping[str, str], timeout_s: float, upload: Upload
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Pass a body on while it arrives, and yield the response with its own body unread; raise 502 or 504.

        `timeout_s` restarts with each piece of the body: it bounds how long nothing moves, and the answer.
        Nothing is sent twice. What goes wrong with the body itself is raised unchanged. The body waits until
        the processor asks for it: a refusal before that is an answer, not a lost connection.
        """
        url = URL(f"{self._base}{target}", encoded=True)
        known = {} if upload.length is None else {"Content-Length": upload.length}
        try:
            with self._call(method, timeout_s, repeatable=True) as call:
                async with asyncio.timeout(timeout_s) as deadline:
                    response = await self._session.request(
                        method,
                        url,
                        headers={**call.traced(headers), **known},
                        data=upload.pieces(deadline, timeout_s),
                        expect100=True,
                        timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT_S),
                        allow_redirects=False,
                    )
                    async with response:
                        call.ended(response.status)
                        yield response
        except UpstreamUnreachable as error:
            if upload.error is None:
                raise
            # To the client library, a body that fails is a connection that fails.
            raise upload.error from error

    def _new_pool(self, connections: int) -> ConnectionPool:
        host, port, tls = self._address
        return ConnectionPool(
            host,
            port,
            tls=tls,
            limit=connections,
            keepalive_s=KEEPALIVE_S,
            connect_timeout_s=CONNECT_TIMEOUT_S,
        )

    async def _send(
        self,
        method: str,
        target: str,
        *,
        headers: Mapping[str, str],
        body: bytes,
        timeout_s: float,
        again: bool,
    ) -> aiohttp.ClientResponse:
        url = URL(f"{self._base}{target}", encoded=True)
        timeout = aiohttp.ClientTimeout(total=timeout_s, sock_connect=CONNECT_TIMEOUT_S)
        try:
            return await self._session.request(
                method, url, headers=headers, data=body or None, timeout=timeout, allow_redirects=False
            )
        except aiohttp.ClientConnectorError:
            raise
        except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError):
            if not again:
                raise
        self._metrics.upstream_retries.inc()
        return await self._send(method, target, headers=headers, body=body, timeout_s=timeout_s, again=False)

    @contextlib.contextmanager
    def _call(self, method: str, timeout_s: float, *, repeatable: bool) -> Iterator["_Call"]:
        """Measure a call, and turn what can go wrong on the way into problems that a caller may see."""
        call = _Call(method, self._metrics, self._address)
        try:
            yield call
        except asyncio.CancelledError:
            call.failed("cancelled")
            raise
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, CannotConnect) as error:
            call.failed("connection")
            raise UpstreamUnreachable("The data-processor cannot be reached; try again shortly.") from error
        except TimeoutError as error:
            call.failed("timeout")
            raise UpstreamSlow(f"The data-processor did not answer within {timeout_s:g} s.") from error
        except (aiohttp.ClientError, OSError) as error:
            detail = "The connection to the data-processor was lost before it answered"
            if not repeatable:
                detail += (
                    "; the request may have taken effect: check before you repeat it. Where the API accepts"
                    " an Idempotency-Key, send one to make repeating safe"
                )
            call.failed("connection")
            raise UpstreamUnreachable(f"{detail}.") from error


class _Call:
    """One call of the data-processor, which is counted once however it ends, and is a span of its trace."""

    __slots__ = ("_counted", "_method", "_metrics", "_span", "_started")

    def __init__(self, method: str, metrics: GatewayMetrics, address: tuple[str, int, bool]) -> None:
        self._method = method
        self._metrics = metrics
        self._counted = False
        ids = current_request.get()
        self._span = None
        if ids is not None and ids.sampled:
            host, port, _ = address
            known: dict[str, str | int] = {
                "http.request.method": method,
                "server.address": host,
                "server.port": port,
            }
            self._span = open_span(method, ids.traceparent, "client", known)
        self._started = perf_counter()

    def traced(self, headers: Mapping[str, str]) -> Mapping[str, str]:
        """Return the headers of the call: what is called continues the trace below this call's span."""
        if self._span is None:
            return headers
        return {**headers, TRACEPARENT: self._span.ids.traceparent.header}

    def ended(self, status: int) -> None:
        """Count an answer; raise 502 when it refuses this gateway."""
        self._count(status, "")
        if status == _UNAUTHORIZED:
            # The gateway's own credentials were refused: signing in again would not help the client.
            raise UpstreamUnreachable(
                "The data-processor refuses this gateway: SERVICE_TOKEN, CALLER_KEY and the clock must be the"
                " same in both."
            )

    def failed(self, error: str) -> None:
        """Count a call without an answer; one whose body breaks off was answered, and is counted already."""
        self._count(0, error)

    def _count(self, status: int, error: str) -> None:
        if not self._counted:
            self._counted = True
            self._metrics.called(self._method, status, error, perf_counter() - self._started)
            if self._span is not None:
                if status:
                    self._span.attributes["http.response.status_code"] = status
                close_span(self._span, error or (str(status) if status >= _FIRST_ERROR else None))

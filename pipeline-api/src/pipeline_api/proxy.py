"""Pass public operations on to the data-processor, after checking who is calling and whether they may."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import aiohttp
from anyio import to_thread
from starlette.types import ASGIApp, Receive, Scope, Send

from pipeline_api.auth.dependencies import admit
from pipeline_api.headers import IDEMPOTENCY_KEY, request_headers, response_headers
from pipeline_api.routes import Operation
from pipeline_api.routing import MAX_QUERY_BYTES, RouteTable, query_of
from pipeline_api.service.errors import BadRequest, Problem
from pipeline_api.service.middleware import ROUTE_KEY
from pipeline_api.state import Gateway
from pipeline_api.upload import INCOMPLETE, Upload

_SMALL = 256 * 1024
"""Answers up to this size are passed on in one piece."""
_BODILESS = (204, 304)
_PROBLEM = 400


class MethodNotAllowed(Problem):
    """The path exists, but not with this method."""

    status = 405


class Proxy:
    """An ASGI layer that answers the public operations and hands everything else to the app it wraps."""

    def __init__(self, app: ASGIApp, *, table: RouteTable) -> None:
        """Wrap an app; its state knows how to reach the processor."""
        self._app = app
        self._table = table

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        match = self._table.match(scope["raw_path"]) if scope["type"] == "http" else None
        if match is None:
            await self._app(scope, receive, send)
            return
        scope[ROUTE_KEY] = match.template
        operation = match.operations.get(scope["method"])
        if operation is None:
            allowed = ", ".join(match.operations)
            raise MethodNotAllowed(f"This path only allows {allowed}.", headers={"Allow": allowed})
        await _pass_on(operation, match.path, scope, receive, send)


async def _pass_on(operation: Operation, path: str, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer one operation with the processor's answer."""
    gateway: Gateway = scope["app"].state.gateway
    authorization, passed = request_headers(scope["headers"])
    if not operation.keyed:
        # The processor would ignore it, but a request with one is sent again when its connection is lost.
        passed.pop(IDEMPOTENCY_KEY, None)
    caller = await admit(gateway.auth.verifier, authorization, operation.role)
    query = scope["query_string"]
    if len(query) > MAX_QUERY_BYTES:
        raise BadRequest(f"The query is longer than {MAX_QUERY_BYTES} bytes.")
    target = f"{path}?{query_of(query)}" if query else path
    upstream = gateway.upstream
    with caller.rate_limit:
        headers = upstream.headers(caller, passed)
        if operation.upload:
            upload = Upload(scope, receive)

            async def pass_on() -> None:
                async with upstream.upload(
                    operation.method, target, headers=headers, timeout_s=operation.timeout_s, upload=upload
                ) as response:
                    await _stream(response, receive, send)

            await _while_awaited(pass_on(), upload)
            return
        body = await read_body(receive)
        if operation.fast:
            answer = await upstream.request(
                operation.method, target, headers=headers, timeout_s=operation.timeout_s, body=body
            )
            await send_whole(
                send, answer.status, response_headers(answer.status, answer.headers), answer.body
            )
            return
        async with upstream.stream(
            operation.method, target, headers=headers, timeout_s=operation.timeout_s, body=body
        ) as response:
            if operation.forgets and response.status < _PROBLEM:
                await to_thread.run_sync(gateway.forget_answers)
            await _stream(response, receive, send)


async def _while_awaited(exchange: Coroutine[Any, Any, None], upload: Upload) -> None:
    """Have an exchange with the processor, and break it off when nobody waits for its answer any more."""
    passing, hung_up = asyncio.ensure_future(exchange), asyncio.ensure_future(upload.hung_up())
    try:
        await asyncio.wait((passing, hung_up), return_when=asyncio.FIRST_COMPLETED)
        if not passing.done():
            raise BadRequest(INCOMPLETE)
        passing.result()
    finally:
        passing.cancel()
        hung_up.cancel()
        await asyncio.wait((passing, hung_up))


async def read_body(receive: Receive) -> bytes:
    """Return the whole body of a request; the middleware bounds its size."""
    message = await receive()
    if message["type"] == "http.disconnect":
        raise BadRequest(INCOMPLETE)
    body: bytes = message.get("body", b"")
    if not message.get("more_body", False):
        return body
    parts = [body]
    while message.get("more_body", False):
        message = await receive()
        if message["type"] == "http.disconnect":
            raise BadRequest(INCOMPLETE)
        parts.append(message.get("body", b""))
    return b"".join(parts)


async def _stream(response: aiohttp.ClientResponse, receive: Receive, send: Send) -> None:
    """Pass a response on as it arrives, as fast as the client accepts it."""
    headers = response_headers(response.status, {name.lower(): value for name, value in response.raw_headers})
    length = response.content_length
    if length is not None and length <= _SMALL:
        await send_whole(send, response.status, headers, await response.read())
        return
    if length is not None:
        headers.append((b"content-length", str(length).encode()))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    # The request was read to its end: the next message can only be that the client hung up.
    hung_up = asyncio.ensure_future(receive())
    try:
        async for chunk in response.content.iter_any():
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
            if hung_up.done():
                return
    finally:
        hung_up.cancel()
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def send_whole(send: Send, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    """Send a response in one piece."""
    if status not in _BODILESS:
        headers.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})

"""`WS /v1/runs/{run}/events`: a run's events, from the first or after one already known, then live.

It is built on the data-processor's long poll, so it survives a restart of the processor. A client that comes
back with `after` set to the last `seq` it saw misses nothing and sees nothing twice. Close codes: 1000 the
run is finished, 1013 try again later, 4401 the credential is no longer valid, 4403 its role is not enough.
"""

import asyncio
import contextlib
from collections.abc import Coroutine
from typing import Any, NamedTuple

import msgspec
from anyio import create_task_group
from fastapi import APIRouter, WebSocket
from starlette.responses import Response
from starlette.websockets import WebSocketDisconnect

from pipeline_api.auth.dependencies import admit, allow, authorization_of
from pipeline_api.auth.verifier import Verified
from pipeline_api.connection_pool import UpstreamResponse
from pipeline_api.roles import Role
from pipeline_api.routing import path_of
from pipeline_api.service.errors import (
    Forbidden,
    Invalid,
    Problem,
    Unauthenticated,
    UpstreamSlow,
    UpstreamUnreachable,
)
from pipeline_api.state import Gateway, GatewayDep

WAIT_S = 10
"""How long the processor may wait for the next event before it answers that there is none."""
GUARD_S = 1.0
"""How often the credential is checked again."""
SEND_TIMEOUT_S = 30
"""How long a client may take to accept an event before it counts as gone."""
PATIENCE_S = 60
"""How long the processor may be unreachable before the WebSocket is closed."""

_FINISHED = 1000
_TRY_AGAIN = 1013
_CREDENTIAL_INVALID = 4401
_ROLE_INSUFFICIENT = 4403
_OK = 200
_SERVER_ERROR = 500
_MAX_SEQ = 2**53

router = APIRouter()


class Farewell(NamedTuple):
    """Why a WebSocket is closed."""

    code: int
    reason: str


class _Page(msgspec.Struct):
    events: list[msgspec.Raw]
    closed: bool


class _Event(msgspec.Struct):
    seq: int


_page = msgspec.json.Decoder(_Page)
_event = msgspec.json.Decoder(_Event)


@router.websocket("/v1/runs/{run}/events")
async def follow_run(websocket: WebSocket, gateway: GatewayDep, run: str) -> None:
    """Send the events of a run until it is finished or the client is gone."""
    authorization = authorization_of(websocket.scope)
    caller = await admit(gateway.auth.verifier, authorization, Role.ENGINEER)
    follower = _Follower(gateway, caller, path_of("v1", "runs", run, "events"), _after(websocket))
    # The first page shows whether there is such a run, while the answer can still be 404.
    first = await follower.ask(wait_s=0)
    if first.status != _OK:
        headers = {"Content-Type": first.headers.get(b"content-type", b"").decode("latin-1")}
        await websocket.send_denial_response(Response(first.body, first.status, headers))
        return
    with gateway.websocket_limit.hold(caller.id), gateway.metrics.websockets.track_inprogress():
        await websocket.accept()
        farewell = await _first_of(
            follower.send_to(websocket, first),
            _guard(gateway, authorization),
            _until_gone(websocket),
        )
        if farewell is not None:
            with contextlib.suppress(WebSocketDisconnect, RuntimeError):  # it left at the same time
                await websocket.close(*farewell)


class _Follower:
    """One reader of one run's events."""

    def __init__(self, gateway: Gateway, caller: Verified, path: str, after: int) -> None:
        self._gateway = gateway
        self._caller = caller
        self._path = path
        self._after = after

    async def ask(self, wait_s: float) -> UpstreamResponse:
        """Return the processor's answer: the events after the last one seen."""
        upstream = self._gateway.upstream
        return await upstream.request(
            "GET",
            f"{self._path}?after={self._after}&wait={wait_s:g}",
            headers=upstream.headers(self._caller),
            timeout_s=wait_s + 10,
            long_poll=True,
        )

    async def send_to(self, websocket: WebSocket, answer: UpstreamResponse) -> Farewell | None:
        """Send the events of an answer and of all the following ones."""
        while True:
            page = _page.decode(answer.body)
            for event in page.events:
                try:
                    async with asyncio.timeout(SEND_TIMEOUT_S):
                        await websocket.send_text(bytes(event).decode())
                except (TimeoutError, WebSocketDisconnect):
                    return None
                self._after = _event.decode(event).seq
            if page.closed:
                return Farewell(_FINISHED, "The run is finished.")
            following = await self._next()
            if following is None:
                return Farewell(_TRY_AGAIN, "The data-processor cannot be reached; try again later.")
            answer = following

    async def _next(self) -> UpstreamResponse | None:
        pause = 0.25
        deadline = asyncio.get_running_loop().time() + PATIENCE_S
        while asyncio.get_running_loop().time() < deadline:
            with contextlib.suppress(UpstreamUnreachable, UpstreamSlow):
                answer = await self.ask(WAIT_S)
                if answer.status < _SERVER_ERROR:
                    return answer if answer.status == _OK else None
            await asyncio.sleep(pause)
            pause = min(2 * pause, 5)
        return None


def _after(websocket: WebSocket) -> int:
    text = websocket.query_params.get("after", "0")
    if not (text.isascii() and text.isdigit() and int(text) <= _MAX_SEQ):
        message = "'after' must be the number of the last event already seen: 0 or more."
        raise Invalid(message, errors=[{"loc": ["query", "after"], "message": message}])
    return int(text)


async def _guard(gateway: Gateway, authorization: bytes | None) -> Farewell:
    """Return once the credential is no longer valid, or its role no longer suffices."""
    while True:
        await asyncio.sleep(GUARD_S)
        try:
            allow(await gateway.auth.verifier.verify(authorization), Role.ENGINEER)
        except Unauthenticated:
            return Farewell(_CREDENTIAL_INVALID, "The credential is no longer valid.")
        except Forbidden:
            return Farewell(_ROLE_INSUFFICIENT, "The role no longer permits this.")
        except Problem:
            return Farewell(_TRY_AGAIN, "The gateway cannot check the credential; try again later.")


async def _until_gone(websocket: WebSocket) -> None:
    """Return once the client is gone; whatever it sends is ignored."""
    while (await websocket.receive())["type"] != "websocket.disconnect":
        pass


async def _first_of(*works: Coroutine[Any, Any, Farewell | None]) -> Farewell | None:
    """Return what the first of several coroutines returns, and cancel the others."""
    farewell: Farewell | None = None

    async def finish(work: Coroutine[Any, Any, Farewell | None]) -> None:
        nonlocal farewell
        farewell = await work
        group.cancel_scope.cancel()

    async with create_task_group() as group:
        for work in works:
            group.start_soon(finish, work)
    return farewell

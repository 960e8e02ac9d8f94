"""`WS /v1/runs/{run}/events`: a run's events, from the first or after one already known, then live.

It is built on the data-processor's long poll, so it survives a restart of the processor; all who watch a run
share one reader of it (`hub.py`). A client that comes back with `after` set to the last `seq` it saw misses
nothing and sees nothing twice. Close codes: 1000 the run is finished, 1013 try again later, 4401 the
credential is no longer valid, 4403 its role is not enough.
"""

import asyncio
import contextlib
from collections.abc import Coroutine
from typing import Any, NamedTuple

from anyio import create_task_group
from fastapi import APIRouter, WebSocket
from starlette.responses import Response
from starlette.websockets import WebSocketDisconnect

from pipeline_api.auth.dependencies import admit, allow, authorization_of
from pipeline_api.connection_pool import UpstreamResponse
from pipeline_api.event_pages import Away, Page, Refused
from pipeline_api.hub import Watcher
from pipeline_api.roles import Role
from pipeline_api.service.errors import Forbidden, Invalid, Problem, Unauthenticated
from pipeline_api.state import Gateway, GatewayDep

GUARD_S = 1.0
"""How often the credential is checked again."""
SEND_TIMEOUT_S = 30
"""How long a client may take to accept an event before it counts as gone."""
TURN = 10
"""How many events are sent to one client before the others have their turn."""

_FINISHED = 1000
_TRY_AGAIN = 1013
_CREDENTIAL_INVALID = 4401
_ROLE_INSUFFICIENT = 4403
_MAX_SEQ = 2**53

router = APIRouter()


class Farewell(NamedTuple):
    """Why a WebSocket is closed."""

    code: int
    reason: str


@router.websocket("/v1/runs/{run}/events")
async def follow_run(websocket: WebSocket, gateway: GatewayDep, run: str) -> None:
    """Send the events of a run until it is finished or the client is gone."""
    authorization = authorization_of(websocket.scope)
    caller = await admit(gateway.auth.verifier, authorization, Role.ENGINEER)
    after = _after(websocket)
    with gateway.hubs.watch(run, caller) as watcher:
        # The first page shows whether there is such a run, while the answer can still be 404.
        try:
            first = await watcher.first(after)
        except Refused as refused:
            await websocket.send_denial_response(_denial(refused.answer))
            return
        with gateway.websocket_limit.hold(caller.id), gateway.metrics.websockets.track_inprogress():
            await websocket.accept()
            farewell = await _first_of(
                _send(websocket, watcher, first, after),
                _guard(gateway, authorization),
                _until_gone(websocket),
            )
            if farewell is not None:
                with contextlib.suppress(WebSocketDisconnect, RuntimeError):  # it left at the same time
                    await websocket.close(*farewell)


async def _send(websocket: WebSocket, watcher: Watcher, page: Page, after: int) -> Farewell | None:
    """Send the events of a page and of all the following ones; return None when the client is gone."""
    while True:
        for number, event in enumerate(page.events, 1):
            try:
                async with asyncio.timeout(SEND_TIMEOUT_S):
                    await websocket.send_text(event.text)
            except (TimeoutError, WebSocketDisconnect):
                return None
            after = event.seq
            if not number % TURN:
                await asyncio.sleep(0)
        if page.closed:
            return Farewell(_FINISHED, "The run is finished.")
        try:
            page = await watcher.next(after)
        except Away:
            return Farewell(_TRY_AGAIN, "The data-processor cannot be reached; try again later.")


def _denial(answer: UpstreamResponse) -> Response:
    headers = {"Content-Type": answer.headers.get(b"content-type", b"").decode("latin-1")}
    return Response(answer.body, answer.status, headers)


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

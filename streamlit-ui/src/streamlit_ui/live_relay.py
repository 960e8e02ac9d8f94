"""`WS /live-events?run=…&after=…`: a run's events on their way from the gateway to the page that draws them.

The browser sends the session's cookie, and this process the credential, which no browser ever sees. It closes
with the code that the gateway closed with (`pipeline-api`, `events.py`): 1000 the run is finished, 1013 try
again later, 4401 and 4403 do not.
"""

from contextlib import suppress
from http import HTTPStatus
from urllib.parse import quote, urlsplit, urlunsplit

from anyio import create_task_group
from starlette.websockets import WebSocket, WebSocketDisconnect
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from streamlit_ui.calls import GatewayError, trusted_certificates
from streamlit_ui.sessions import COOKIE, is_from_own_page, sessions
from streamlit_ui.settings import settings

PATH = "/live-events"
TRY_AGAIN, SIGNED_OUT, NOT_ALLOWED = 1013, 4401, 4403
_UNSENT = (1005, 1006, 1015)
"""Say that no code was sent; they cannot be sent themselves."""


async def relay_events(websocket: WebSocket) -> None:
    """Send a run's events until it is finished or the page is gone."""
    if not is_from_own_page(websocket.headers):
        await websocket.close()  # nothing is accepted yet: the answer is 403
        return
    await websocket.accept()
    session = sessions().find(websocket.cookies.get(COOKIE))
    if session is None:
        await websocket.close(SIGNED_OUT)
        return
    run, after = websocket.query_params.get("run", ""), websocket.query_params.get("after", "0")
    code = TRY_AGAIN
    async with create_task_group() as group:

        async def until_gone() -> None:
            while (await websocket.receive())["type"] != "websocket.disconnect":
                pass
            group.cancel_scope.cancel()

        group.start_soon(until_gone)
        try:
            async with _gateway(run, after, session.token) as events:
                code = await _relay(events, websocket)
        except InvalidStatus as refused:
            code = _code_for(refused.response.status_code)
        except (OSError, WebSocketException, WebSocketDisconnect):
            code = TRY_AGAIN
        with suppress(WebSocketDisconnect, RuntimeError):  # it left at the same time
            await websocket.close(code)
        group.cancel_scope.cancel()


def _code_for(status: int) -> int:
    """Return the code that stands for a refusal: what is wrong with the request stays wrong."""
    if status == HTTPStatus.UNAUTHORIZED:
        return SIGNED_OUT
    refusal = GatewayError("The gateway refused the WebSocket.", status)
    return TRY_AGAIN if refusal.transient else NOT_ALLOWED


async def _relay(events: ClientConnection, websocket: WebSocket) -> int:
    """Send what comes; return the code that the gateway closed with."""
    try:
        while True:
            await websocket.send_text(await events.recv(decode=True))
    except ConnectionClosed:
        code = events.close_code
    return TRY_AGAIN if code is None or code in _UNSENT else code


def _gateway(run: str, after: str, token: str) -> connect:
    """Return a connection to the gateway that is still to be opened."""
    parts = urlsplit(settings().gateway_url)
    path = f"{parts.path.rstrip('/')}/v1/runs/{quote(run, safe='')}/events"
    secure = parts.scheme == "https"
    return connect(
        urlunsplit(("wss" if secure else "ws", parts.netloc, path, f"after={quote(after, safe='')}", "")),
        additional_headers={"Authorization": f"Bearer {token}"},
        ssl=trusted_certificates() if secure else None,
        open_timeout=settings().request_timeout_s,
        compression=None,
        proxy=None,
    )

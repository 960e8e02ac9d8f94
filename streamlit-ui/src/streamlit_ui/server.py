"""The web server: Streamlit's own, with the session's cookie, health and security headers added."""

import gc
import logging
import os
import secrets
import threading
from pathlib import Path

import streamlit as st
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from streamlit_ui import files, live_relay
from streamlit_ui.client import Gateway, GatewayError, connect
from streamlit_ui.metrics import pages_metrics
from streamlit_ui.service.registry import show
from streamlit_ui.sessions import COOKIE, is_from_own_page, sessions
from streamlit_ui.settings import Settings, settings

SCRIPT = Path(__file__).with_name("app.py")

_TICKET_BYTES = 256
_SECURITY_HEADERS = {
    "Content-Security-Policy": "frame-ancestors 'self'",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}

log = logging.getLogger(__name__)


def create_app() -> st.App:
    """Return the pages as an ASGI application."""
    return st.App(
        SCRIPT,
        routes=[
            Route("/session", keep_session, methods=["POST"]),
            Route(files.REPORT, files.show_report),
            Route(files.EPOCHS, files.send_epochs),
            WebSocketRoute(live_relay.PATH, live_relay.relay_events),
            Route("/healthz", healthz),
            Route("/readyz", readyz),
            Route("/metrics", metrics),
        ],
        middleware=[Middleware(SecurityHeaders)],
        on_script_error=say_sorry,
    )


def run(chosen: Settings) -> None:
    """Serve the pages until the process is told to stop."""
    # uvicorn believes any process of this machine about where a visitor is (see `visitor.py`).
    os.environ["FORWARDED_ALLOW_IPS"] = ""
    # The pages import these when somebody opens one: the first person would wait seconds for them.
    threading.Thread(target=warm_up, name="warm-up", daemon=True).start()
    create_app().run(
        config={
            "server.address": chosen.host,
            "server.port": chosen.port,
            "server.maxUploadSize": max(chosen.max_upload_mb, chosen.max_dataset_mb),
            "logger.level": chosen.log_level,
        }
    )


def warm_up() -> None:
    """Import what draws tables and charts, draw one, and hide it all from the garbage collector.

    Streamlit collects after every run of a page, and nobody else is served meanwhile: with what is imported
    that took eight times as long.
    """
    from streamlit_ui import charts  # noqa: PLC0415  # not before the server listens

    charts.probabilities({"yes": 0.7, "no": 0.3}, "yes").to_dict()
    gc.collect()
    gc.freeze()


async def keep_session(request: Request) -> Response:
    """Trade a ticket for the session's cookie, which no script can read."""
    # A page elsewhere must not sign its visitors in as somebody else.
    if not is_from_own_page(request.headers):
        return Response(status_code=403)
    session = sessions().claim((await request.body())[:_TICKET_BYTES].decode("ascii", errors="ignore"))
    if session is None:
        return Response(status_code=404)
    response = Response(status_code=204)
    response.set_cookie(
        COOKIE,
        session.id,
        max_age=sessions().seconds_left(session),
        httponly=True,
        samesite="strict",
        # The browser names its own scheme, whatever proxies stand between.
        secure=request.headers["origin"].startswith("https://"),
    )
    return response


async def healthz(_request: Request) -> Response:
    """Say that the process is alive."""
    return JSONResponse({"status": "ok", "checks": {}})


def readyz(_request: Request) -> Response:
    """Say whether the gateway can be reached."""
    with connect(settings().gateway_url, timeout_s=3) as http:
        try:
            Gateway(http).alive()
        except GatewayError as error:
            return JSONResponse(
                {"status": "unavailable", "checks": {"gateway": error.sentence}}, status_code=503
            )
    return JSONResponse({"status": "ok", "checks": {"gateway": "ok"}})


async def metrics(request: Request) -> Response:
    """Show what the pages count to whoever scrapes."""
    return show(pages_metrics().registry, request)


def say_sorry(error: Exception) -> bool:
    """Log what went wrong on a page, and show one sentence with its reference."""
    pages_metrics().failures.inc()
    reference = secrets.token_hex(4)
    log.error("page failed, reference %s", reference, exc_info=error)
    st.error(
        f"Something went wrong. The log has the details under **{reference}**. Please reload the page.",
        icon=":material/error:",
    )
    return True


class SecurityHeaders:
    """Add the headers that keep a browser from embedding or guessing."""

    def __init__(self, app: ASGIApp) -> None:
        """Stand in front of an application."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_with_headers if scope["type"] == "http" else send)

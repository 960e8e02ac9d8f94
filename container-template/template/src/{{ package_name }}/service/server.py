import gc
import socket
import sys

import uvicorn
from starlette.types import ASGIApp

from .protocol import OneWriteProtocol
from .settings import ServiceSettings

# Longer than any client keeps an idle connection, so that the client closes it and never the server.
KEEP_ALIVE_SECONDS = 75
SHUTDOWN_SECONDS = 20
_START_FAILED = 3


def run(app: ASGIApp, settings: ServiceSettings) -> None:
    """Serve an app in this process until SIGTERM or SIGINT, then finish the requests that have begun."""
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http=OneWriteProtocol,
        workers=1,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
    )
    server = _Server(config)
    try:
        server.run()
    except KeyboardInterrupt:
        return  # asked to stop, and stopped
    if not server.started:
        sys.exit(_START_FAILED)


class _Server(uvicorn.Server):
    """A server that hides what start-up created from the garbage collector, whose passes pause requests."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        gc.collect()
        gc.freeze()

import gc
import socket
import sys

import uvicorn
from starlette.types import ASGIApp

from .protocol import OneWriteProtocol
from .settings import ServiceSettings

# Longer than any client pools an idle connection, so that the client and never the server closes it.
KEEP_ALIVE_SECONDS = 75
SHUTDOWN_SECONDS = 20
_START_FAILED = 3


def run(app: ASGIApp, settings: ServiceSettings) -> None:
    """Serve an app until SIGTERM or SIGINT, then finish what was begun; one process, replicas make more."""
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
    """A server that keeps what start-up made out of the garbage collector's rounds: they pause requests."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        gc.collect()
        gc.freeze()

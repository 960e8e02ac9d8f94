import uvicorn
from starlette.types import ASGIApp

from .protocol import OneWriteProtocol
from .settings import ServiceSettings

# Longer than any client pools an idle connection, so that the client and never the server closes it.
KEEP_ALIVE_SECONDS = 75
SHUTDOWN_SECONDS = 20


def run(app: ASGIApp, settings: ServiceSettings) -> None:
    """Serve an app until SIGTERM or SIGINT, then finish what was begun; one process, replicas make more."""
    uvicorn.run(
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

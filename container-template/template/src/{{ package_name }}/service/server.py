import gc
import socket
import sys

import uvicorn
from starlette.types import ASGIApp
from typing_extensions import override

from .connections import Connections, connection_limit, raise_file_limit
from .protocol import GuardedProtocol, GuardedState
from .settings import ServiceSettings

# Longer than any client keeps an idle connection, so that the client closes it and never the server.
KEEP_ALIVE_SECONDS = 75
SHUTDOWN_SECONDS = 20
_START_FAILED = 3
_BACKLOG = 2048
_WS_MAX_BYTES = 65_536
_SWEEP_EVERY_TICKS = 10
"""uvicorn ticks ten times a second."""


def run(app: ASGIApp, settings: ServiceSettings) -> None:
    """Serve an app in this process until SIGTERM or SIGINT, then finish the requests that have begun."""
    server = _Service(app, settings.host, settings.port)
    try:
        server.run()
    except KeyboardInterrupt:
        return  # asked to stop, and stopped
    if not server.started:
        sys.exit(_START_FAILED)


class Server(uvicorn.Server):
    """uvicorn with bounded connections, which are closed when their client is silent."""

    def __init__(self, app: ASGIApp, host: str, port: int) -> None:
        """Prepare to serve an app; raise the number of files that this process may have open."""
        files = raise_file_limit()
        config = uvicorn.Config(
            app,
            host=host,
            port=port,
            loop="uvloop",
            http=GuardedProtocol,
            workers=1,
            log_config=None,
            access_log=False,
            server_header=False,
            # Whoever asks for a client's address decides whom to believe (`proxies.py`): uvicorn believes
            # every process of this machine.
            proxy_headers=False,
            # A burst that is accepted in one go stays below the number of files, too.
            backlog=min(_BACKLOG, files // 4),
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=SHUTDOWN_SECONDS,
            # Events of some hundred bytes take longer to compress than to send.
            ws_per_message_deflate=False,
            ws_max_size=_WS_MAX_BYTES,
        )
        super().__init__(config)
        self._connections = Connections(connection_limit(files))
        self.server_state = GuardedState(self._connections)

    @override
    async def on_tick(self, counter: int) -> bool:
        if counter % _SWEEP_EVERY_TICKS == 0:
            self._connections.sweep(KEEP_ALIVE_SECONDS)
        return await super().on_tick(counter)


class _Service(Server):
    """A server that hides what start-up created from the garbage collector, whose passes pause requests."""

    @override
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        gc.collect()
        gc.freeze()

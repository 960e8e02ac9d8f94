"""The worker's probes over HTTP, if it is given a port: liveness, readiness, and its metrics."""

import threading
from collections.abc import Mapping

from fastapi import FastAPI

from data_processor.service.health import Check, health_router
from data_processor.service.metrics import ServiceMetrics
from data_processor.service.middleware import install_middleware
from data_processor.service.problem_responses import install_problem_handlers
from data_processor.service.server import Server
from data_processor.settings import Settings


class Probes:
    """A small HTTP server in a thread of its own."""

    def __init__(
        self, settings: Settings, metrics: ServiceMetrics, checks: Mapping[str, Check], port: int
    ) -> None:
        """Serve /healthz, /readyz by these checks, and /metrics on a port of the host in the settings."""
        app = FastAPI(title="data-processor worker", openapi_url=None)
        install_problem_handlers(app)
        install_middleware(app, settings, metrics)
        app.include_router(health_router(checks))
        app.include_router(metrics.router())
        self._server = Server(app, settings.host, port)
        self._thread = threading.Thread(target=self._server.run, name="probes", daemon=True)

    def start(self) -> None:
        """Start answering."""
        self._thread.start()

    def stop(self) -> None:
        """Stop answering."""
        self._server.should_exit = True
        self._thread.join(timeout=5)

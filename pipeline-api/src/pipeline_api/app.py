"""The gateway as an ASGI app: its own routes and the data-processor's public operations."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.middleware.cors import CORSMiddleware

from pipeline_api import events
from pipeline_api.auth import api as auth_api
from pipeline_api.auth.visitors import from_the_pages
from pipeline_api.contract import compose, vendored
from pipeline_api.lifespan import open_gateway
from pipeline_api.metrics import GatewayMetrics
from pipeline_api.oip.api import body_schemas, oip_router
from pipeline_api.proxy import Proxy
from pipeline_api.readiness import readiness_checks
from pipeline_api.routes import DATASETS, OPERATIONS
from pipeline_api.routing import RouteTable
from pipeline_api.service.docs import install_docs
from pipeline_api.service.health import health_router
from pipeline_api.service.metrics import ServiceMetrics
from pipeline_api.service.middleware import ServiceApp, install_middleware
from pipeline_api.service.problem_responses import install_problem_handlers
from pipeline_api.service.trace_context import HeadSampling
from pipeline_api.settings import Settings

SIGN_IN_BODY_BYTES = 16 * 1024


class GatewayApp(ServiceApp):
    """A service whose OpenAPI document is the composed one."""

    def openapi(self) -> dict[str, Any]:
        """Return the public document."""
        if self.openapi_schema is None:
            own = get_openapi(
                title=self.title, version=self.version, description=self.description, routes=self.routes
            )
            own["components"]["schemas"] |= body_schemas()
            self.openapi_schema = compose(own, vendored(), OPERATIONS)
        return self.openapi_schema


def create_app(settings: Settings) -> FastAPI:
    """Build the gateway from its settings; nothing is read, opened or started before its lifespan begins."""
    service_metrics = ServiceMetrics(settings)
    metrics = GatewayMetrics(service_metrics.registry)

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_gateway(settings, metrics) as gateway:
            app.state.gateway = gateway
            app.state.auth = gateway.auth
            yield

    app = GatewayApp(
        title="Loopkeeper",
        description="Predict, give feedback on predictions, and watch the models stay accurate.",
        redirect_slashes=False,
        lifespan=lifespan,
    )
    install_problem_handlers(app)
    # Added first, so innermost.
    app.add_middleware(Proxy, table=RouteTable(OPERATIONS))
    limits = {"/v1/auth/token": SIGN_IN_BODY_BYTES, DATASETS: settings.max_upload_bytes}
    sampling = HeadSampling(
        settings.trace_ratio,
        settings.caller_key.get_secret_value().encode(),
        believes=from_the_pages(settings.pages_token),
    )
    install_middleware(app, settings, service_metrics, limits, sampling)
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
            allow_headers=["Authorization", "Content-Type", "Idempotency-Key", "X-Request-ID"],
            expose_headers=["Retry-After", "X-Request-ID"],
        )
    install_docs(app)
    checks = readiness_checks(app)
    app.include_router(health_router(checks))
    app.include_router(service_metrics.router())
    app.include_router(auth_api.router)
    app.include_router(events.router)
    app.include_router(oip_router(checks["data-processor"]))
    return app

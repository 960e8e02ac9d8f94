"""The HTTP face of `serve`: every capability's routes on one FastAPI app."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any

from fastapi import FastAPI

from data_processor.catalogue import api as models_api
from data_processor.contract import describe
from data_processor.datasets import api as datasets_api
from data_processor.datasets.exploration import api as exploration_api
from data_processor.drift import api as drift_api
from data_processor.feedback import api as feedback_api
from data_processor.gallery import api as gallery_api
from data_processor.logs import api as logs_api
from data_processor.notifications import api as notifications_api
from data_processor.pictures import api as pictures_api
from data_processor.readiness import readiness_checks
from data_processor.service.database_metrics import DatabaseMetrics
from data_processor.service.docs import install_docs
from data_processor.service.health import health_router
from data_processor.service.metrics import ServiceMetrics
from data_processor.service.middleware import ServiceApp, install_middleware
from data_processor.service.problem_responses import install_problem_handlers
from data_processor.serving import api as serving_api
from data_processor.serving.metrics import ModelMetrics
from data_processor.settings import Settings
from data_processor.training import api as training_api
from data_processor.training.live import api as live_api
from data_processor.wiring.serve import open_state


class ProcessorApp(ServiceApp):
    """A service with a contract that tells every error as it is."""

    def openapi(self) -> dict[str, Any]:
        """Return the OpenAPI document."""
        if self.openapi_schema is None:
            self.openapi_schema = describe(super().openapi())
        return self.openapi_schema


def create_app(settings: Settings) -> FastAPI:
    """Build the app from its settings; nothing is read, opened or started before its lifespan."""
    service_metrics = ServiceMetrics(settings)
    model_metrics = ModelMetrics(service_metrics.registry)
    database_metrics = DatabaseMetrics(service_metrics.registry)

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_state(settings, model_metrics, database_metrics) as state:
            app.state.loopkeeper = state
            yield

    app = ProcessorApp(
        title="Loopkeeper data-processor",
        description="Datasets, training, serving, feedback and promotion. The gateway is its only client.",
        lifespan=lifespan,
    )
    install_problem_handlers(app)
    app.add_middleware(serving_api.FastPath)
    install_middleware(
        app,
        settings,
        service_metrics,
        {datasets_api.PATH: settings.max_upload_bytes + datasets_api.FORM_BYTES},
    )
    install_docs(app)
    app.include_router(health_router(readiness_checks(app)))
    app.include_router(service_metrics.router())
    for api in (
        serving_api,
        models_api,
        feedback_api,
        training_api,
        live_api,
        datasets_api,
        exploration_api,
        notifications_api,
        logs_api,
        drift_api,
        gallery_api,
        pictures_api,
    ):
        app.include_router(api.router)
    return app

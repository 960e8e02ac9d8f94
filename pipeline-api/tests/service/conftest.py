import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import structlog
from fastapi import FastAPI
from starlette.testclient import TestClient

from pipeline_api.service.logging import configure_logging
from pipeline_api.service.metrics import ServiceMetrics
from pipeline_api.service.middleware import ServiceApp, install_middleware
from pipeline_api.service.problem_responses import install_problem_handlers
from pipeline_api.service.settings import ServiceSettings


@pytest.fixture
def settings() -> ServiceSettings:
    return ServiceSettings(service_name="specimen", port=0, max_body_bytes=1000)


@pytest.fixture
def app(settings: ServiceSettings) -> FastAPI:
    """The skeleton alone, as create_app puts it together."""
    metrics = ServiceMetrics(settings)
    app = ServiceApp()
    install_problem_handlers(app)
    install_middleware(app, settings, metrics, body_limits={"/upload": 5000})
    app.include_router(metrics.router())
    return app


@pytest.fixture
def client(app: FastAPI) -> TestClient:
    return TestClient(app)


@pytest.fixture
def log_lines(
    settings: ServiceSettings, capsys: pytest.CaptureFixture[str]
) -> Iterator[Callable[[], list[Any]]]:
    """Log as JSON; calling the fixture returns the events written since."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    configure_logging(settings.model_copy(update={"log_format": "json"}))
    yield lambda: [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    for handler in root.handlers:
        handler.close()
    root.handlers = handlers
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.fixture
def chunks() -> Callable[[int, int], Iterator[bytes]]:
    """Yield `count` chunks of `size` bytes, which a client sends without a Content-Length."""

    def make(count: int, size: int) -> Iterator[bytes]:
        for _ in range(count):
            yield b"x" * size

    return make

"""Schemathesis asks a running gateway for whatever its document allows, and for what it does not allow."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck
from hypothesis import settings as examples
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.generation.hypothesis.builder import HypothesisTestConfig, HypothesisTestMode, create_test
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    ignored_auth,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from fake_processor import FakeProcessor, problem
from pipeline_api.app import create_app
from pipeline_api.settings import Settings
from running import People, Server

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
    ignored_auth,
    unsupported_method,
]


schema = schemathesis.openapi.from_path(Path(__file__).parents[1] / "openapi.json")
OPERATIONS = [operation.label for path in schema for operation in schema[path].values()]

Asked = dict[str, Any]
"""Where to ask, with a key that may do everything."""


@contextlib.contextmanager
def started(settings: Settings) -> Iterator[Asked]:
    server = Server(create_app(settings))
    try:
        with httpx.Client(base_url=server.url) as client:
            headers = People(client).new_key("schemathesis", "maintainer")
        yield {"base_url": server.url, "headers": headers}
    finally:
        server.stop()


@pytest.fixture(scope="module")
def shared(settings_in: Callable[..., Settings], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asked]:
    """Start a gateway for all operations that change nothing in it."""
    with started(settings_in(tmp_path_factory.mktemp("shared"))) as asked:
        yield asked


@pytest.fixture
def own(gateway_settings: Callable[..., Settings]) -> Iterator[Asked]:
    """Start a gateway for one operation that may change its users, its keys, or how fast one may sign in."""
    with started(gateway_settings()) as asked:
        yield asked


@pytest.mark.parametrize("most", [4, pytest.param(15, marks=pytest.mark.services)])
@pytest.mark.parametrize("label", OPERATIONS)
def test_the_gateway_answers_as_its_document_says(
    label: str, most: int, processor: FakeProcessor, request: pytest.FixtureRequest
) -> None:
    # What the processor answers is its own contract's business: here it knows nothing.
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
        processor.on(method, "/v1/.*", problem(404, "There is no such thing."))
    asked = request.getfixturevalue("own" if "/v1/auth/" in label else "shared")

    @examples(max_examples=most, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    def check(case: Case[Any]) -> None:
        case.call_and_validate(checks=CHECKS, **asked)

    operation = schema.find_operation_by_label(label)
    assert operation is not None
    # Made here rather than by `schema.parametrize`, which makes the cases of all operations in each process.
    config = HypothesisTestConfig(project=schema.config, modes=list(HypothesisTestMode))
    create_test(operation=operation, test_func=check, config=config)()

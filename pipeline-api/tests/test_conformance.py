"""Schemathesis asks a running gateway for whatever its document allows, and for what it does not allow."""

from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    ignored_auth,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from fake_processor import FakeProcessor, problem
from running import Gateway, Server

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


@pytest.fixture
def asked(gateway: Gateway, live: Server, processor: FakeProcessor) -> dict[str, Any]:
    """Where to ask, with a key that may do everything."""
    # What the processor answers is its own contract's business: here it knows nothing.
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
        processor.on(method, "/v1/.*", problem(404, "There is no such thing."))
    return {"base_url": live.url, "headers": gateway.new_key("schemathesis", "maintainer")}


@schema.parametrize()
@settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_the_gateway_answers_as_its_document_says(case: Case[Any], asked: dict[str, Any]) -> None:
    case.call_and_validate(checks=CHECKS, **asked)

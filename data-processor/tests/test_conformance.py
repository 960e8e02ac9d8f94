"""Schemathesis asks a running `serve` for whatever its document allows, and for what it does not allow."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
import uvicorn
from hypothesis import HealthCheck, settings
from schemathesis import Case, HookContext
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

from data_processor.app import create_app
from data_processor.training import evaluations

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
M = "census-income"
known: dict[str, str] = {"model": M, "version": "2"}


@schema.hook
def map_path_parameters(_context: HookContext, parameters: dict[str, Any] | None) -> dict[str, Any] | None:
    """Ask mostly for things that exist."""
    return {
        name: known.get(name, value) if len(str(value)) % 4 else value
        for name, value in (parameters or {}).items()
    } or parameters


@schema.hook
def map_query(_context: HookContext, query: dict[str, Any] | None) -> dict[str, Any] | None:
    """Do not wait for events that never come."""
    return {**query, "wait": 0.01} if query and isinstance(query.get("wait"), int | float) else query


@pytest.fixture
def asked(
    serving_world: Any,
    headers: Callable[..., dict[str, str]],
    inputs: list[dict[str, Any]],
    wait_until: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[dict[str, Any]]:
    monkeypatch.setattr(evaluations, "WAIT_S", 0.1)  # there is no worker that would carry one out
    app = create_app(serving_world.settings)
    config = uvicorn.Config(app, port=0, log_config=None, http="httptools", server_header=False)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        wait_until(lambda: server.started and app.state.loopkeeper.manager.find(M) is not None, 30)
        url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
        gateway = headers("schemathesis", "maintainer")
        with httpx.Client(base_url=url, headers=gateway) as client:
            answer = client.post(f"/v1/models/{M}/predictions", json={"inputs": inputs[:1]})
            known["prediction_id"] = answer.json()["predictions"][0]["id"]
            known["run"] = client.post(f"/v1/models/{M}/runs", json={}).json()["id"]
        yield {"base_url": url, "headers": gateway, "timeout": 120}
    finally:
        server.should_exit = True
        thread.join()


def ask(label: str, most: int, asked: dict[str, Any]) -> None:
    """Ask for an operation what covers its document, and so many examples more.

    Cases are made here and not by `schema.parametrize`, which makes those of all operations in each process.
    """

    @settings(max_examples=most, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    def check(case: Case[Any]) -> None:
        case.call_and_validate(checks=CHECKS, **asked)

    operation = schema.find_operation_by_label(label)
    assert operation is not None
    config = HypothesisTestConfig(project=schema.config, modes=list(HypothesisTestMode))
    create_test(operation=operation, test_func=check, config=config)()


@pytest.mark.usefixtures("children_in_process")
@pytest.mark.parametrize("label", OPERATIONS)
def test_serve_answers_as_its_document_says(label: str, asked: dict[str, Any]) -> None:
    ask(label, 4, asked)


@pytest.mark.services
@pytest.mark.parametrize("label", OPERATIONS)
def test_serve_answers_as_its_document_says_however_often_it_is_asked(
    label: str, asked: dict[str, Any]
) -> None:
    ask(label, 15, asked)

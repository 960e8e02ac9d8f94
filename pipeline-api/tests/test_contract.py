import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline_api.app import create_app
from pipeline_api.contract import compose, vendored
from pipeline_api.roles import Role
from pipeline_api.routes import OPERATIONS, Operation
from pipeline_api.settings import Settings

ROOT = Path(__file__).parents[1]
METHODS = {"get", "put", "post", "delete", "patch", "head", "options"}


@pytest.fixture
def document(gateway_settings: Callable[..., Settings]) -> dict[str, Any]:
    return create_app(gateway_settings()).openapi()


def operations(document: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [
        (f"{method.upper()} {path}", item[method])
        for path, item in document["paths"].items()
        for method in METHODS & item.keys()
    ]


def references(node: Any) -> set[str]:
    if isinstance(node, dict):
        own = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
        return own.union(*(references(value) for value in node.values()))
    return set().union(*(references(item) for item in node)) if isinstance(node, list) else set()


def test_the_committed_document_is_what_the_code_says(document: dict[str, Any]) -> None:
    committed = json.loads((ROOT / "openapi.json").read_text())

    assert committed == json.loads(json.dumps(document)), "run `make contracts`"


def test_the_vendored_contract_has_every_public_operation() -> None:
    processor = vendored()

    missing = [
        f"{operation.method} {operation.path}"
        for operation in OPERATIONS
        if operation.method.lower() not in processor["paths"].get(operation.path, {})
    ]
    assert missing == []


def test_the_keyed_operations_are_those_that_the_processor_takes_a_key_for() -> None:
    paths = vendored()["paths"]

    def takes_key(operation: Operation) -> bool:
        parameters = paths[operation.path][operation.method.lower()].get("parameters", [])
        return "Idempotency-Key" in [parameter["name"] for parameter in parameters]

    keyed = [operation.path for operation in OPERATIONS if operation.keyed]
    assert keyed == [operation.path for operation in OPERATIONS if takes_key(operation)]
    assert len(keyed) == 2


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    schemas = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}

    assert references(document) - schemas == set()


def test_nothing_internal_is_documented(document: dict[str, Any]) -> None:
    assert "/v1/runs/{run}/events" not in document["paths"]  # a WebSocket: see asyncapi.yaml
    named = {p["name"].lower() for _, o in operations(document) for p in o.get("parameters", [])}
    assert not named & {"authorization", "x-loopkeeper-caller", "traceparent"}


def test_all_but_a_few_operations_need_a_credential_and_document_it(document: dict[str, Any]) -> None:
    open_to_all = {name for name, operation in operations(document) if not operation.get("security")}

    assert open_to_all == {"GET /healthz", "GET /readyz", "POST /v1/auth/token"}
    for name, operation in operations(document):
        if name not in open_to_all:
            assert {"401", "403", "429"} <= operation["responses"].keys(), name


def test_problems_are_documented_as_problems(document: dict[str, Any]) -> None:
    for name, operation in operations(document):
        for status, response in operation["responses"].items():
            if status.startswith("4"):
                assert "application/problem+json" in response["content"], (name, status)


def test_each_public_operation_says_which_role_it_needs(document: dict[str, Any]) -> None:
    for operation in OPERATIONS:
        assert document["paths"][operation.path][operation.method.lower()]["x-role"] == operation.role


def test_operation_ids_are_unique(document: dict[str, Any]) -> None:
    ids = [operation["operationId"] for _, operation in operations(document)]

    assert len(ids) == len(set(ids))


def own(**schemas: Any) -> dict[str, Any]:
    return {"openapi": "3.1.0", "paths": {}, "components": {"schemas": schemas}}


def processor(**schemas: Any) -> dict[str, Any]:
    response = {"200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/A"}}}}}
    hidden = {"name": "X-Loopkeeper-Caller", "in": "header"}
    item = {"get": {"parameters": [hidden], "responses": response}, "delete": {"responses": {}}}
    return {"paths": {"/a": item, "/internal": item}, "components": {"schemas": schemas}}


ONE = [Operation("GET", "/a", Role.USER)]


def test_only_what_is_public_is_taken_with_all_that_it_refers_to() -> None:
    source = processor(
        A={"properties": {"b": {"items": {"$ref": "#/components/schemas/B"}}}}, B={"type": "string"}, C={}
    )

    document = compose(own(), source, ONE)

    assert document["paths"].keys() == {"/a"}
    assert document["paths"]["/a"].keys() == {"get"}
    assert "parameters" not in document["paths"]["/a"]["get"]
    assert document["components"]["schemas"].keys() == {"A", "B", "Problem"}


def test_two_different_schemas_of_one_name_are_told_apart() -> None:
    mine, theirs = {"title": "mine"}, {"title": "theirs"}

    document = compose(own(A=mine), processor(A=theirs), ONE)

    schemas = document["components"]["schemas"]
    assert (schemas["A"], schemas["ProcessorA"]) == (mine, theirs)
    answer = document["paths"]["/a"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    assert answer == {"$ref": "#/components/schemas/ProcessorA"}


def test_an_operation_that_the_processor_lacks_is_an_error() -> None:
    with pytest.raises(KeyError):
        compose(own(), processor(A={}), [Operation("POST", "/a", Role.USER)])


def test_the_document_is_printed_without_any_setting(tmp_path: Path) -> None:
    command = [str(Path(sys.executable).with_name("pipeline-api")), "contract"]

    printed = subprocess.run(command, env={}, cwd=tmp_path, capture_output=True, check=True)

    assert json.loads(printed.stdout) == json.loads((ROOT / "openapi.json").read_text())
    assert list(tmp_path.iterdir()) == []

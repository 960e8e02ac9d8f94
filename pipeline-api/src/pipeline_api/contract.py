"""The public OpenAPI document: the gateway's own routes and the public part of the data-processor's."""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pipeline_api.routes import Operation
from pipeline_api.service.errors import MEDIA_TYPE

Document = dict[str, Any]

SECURITY_SCHEME = "credential"
_PROBLEMS = {
    "400": "The request is malformed.",
    "401": "The credential is missing, unknown, expired or revoked.",
    "403": "The caller's role does not permit this.",
    "404": "No such resource.",
    "405": "The method is not allowed.",
    "409": "The state of the resource forbids it, or the Idempotency-Key was used before with another body.",
    "413": "The request body is too large.",
    "422": "The payload does not match its schema; `errors` names every bad field.",
    "429": "Too many requests; `Retry-After` says when to try again.",
    "502": "The data-processor cannot be reached.",
    "503": "Not ready yet.",
    "504": "The data-processor did not answer in time.",
}
_PROBLEM = {
    "title": "Problem",
    "description": "What went wrong (RFC 9457).",
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["loc", "message"],
                "properties": {
                    "loc": {"type": "array", "items": {"type": ["string", "integer"]}},
                    "message": {"type": "string"},
                },
            },
        },
    },
}
_PROBLEM_CONTENT = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
_SCHEMAS = "#/components/schemas/"
_REPLACED_SCHEMAS = ("HTTPValidationError", "ValidationError")
_HIDDEN = frozenset({"authorization", "x-loopkeeper-caller", "traceparent"})
_METHODS = frozenset({"get", "put", "post", "delete", "patch", "head", "options"})


def vendored() -> Document:
    """Return the data-processor's contract, as last vendored."""
    # Inside the package when it is installed, beside `src` when it runs from its folder.
    here = Path(__file__).parent
    inside, beside = (folder / "contracts" / "data-processor.json" for folder in (here, here.parents[1]))
    document: Document = json.loads((inside if inside.exists() else beside).read_text(encoding="utf-8"))
    return document


def compose(own: Document, processor: Document, operations: Iterable[Operation]) -> Document:
    """Return the public document; raise `KeyError` if the processor's contract lacks a public operation."""
    schemas = {k: v for k, v in own["components"]["schemas"].items() if k not in _REPLACED_SCHEMAS}
    paths = {path: dict(item) for path, item in own["paths"].items()}
    found = [(o, processor["paths"][o.path][o.method.lower()]) for o in operations]
    sources = processor["components"]["schemas"]
    names: dict[str, str] = {}
    for name in _closure([source for _, source in found], sources):
        clashes = name in schemas and schemas[name] != sources[name]
        names[name] = f"Processor{name}" if clashes else name
    schemas.update({names[name]: _renamed(sources[name], names) for name in names})
    schemas["Problem"] = _PROBLEM
    for operation, source in found:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _public(
            _renamed(source, names), operation
        )
    for item in paths.values():
        for method in _METHODS & item.keys():
            item[method] = _with_problems(item[method])
    components = {**own["components"], "schemas": dict(sorted(schemas.items()))}
    return {**own, "paths": dict(sorted(paths.items())), "components": components}


def _public(source: Document, operation: Operation) -> Document:
    parameters = [p for p in source.get("parameters", []) if p["name"].lower() not in _HIDDEN]
    public = {name: value for name, value in source.items() if name != "parameters"}
    if parameters:
        public["parameters"] = parameters
    return {**public, "security": [{SECURITY_SCHEME: []}], "x-role": operation.role.value}


def _with_problems(operation: Document) -> Document:
    """Document the problems: all of them where a credential is needed, elsewhere those the route declares."""
    responses = operation["responses"]
    secured = bool(operation.get("security"))
    refused = {
        status: {"description": description, "content": _PROBLEM_CONTENT}
        for status, description in _PROBLEMS.items()
        if secured or (status in responses and not _has_own_schema(responses[status]))
    }
    return {**operation, "responses": dict(sorted({**responses, **refused}.items()))}


def _has_own_schema(response: Document) -> bool:
    return bool(set(_references(response)) - set(_REPLACED_SCHEMAS))


def _closure(nodes: Iterable[Any], sources: Mapping[str, Any]) -> list[str]:
    """Return the names of all schemas that nodes refer to, directly or indirectly, sorted."""
    waiting = [name for node in nodes for name in _references(node)]
    seen: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name not in seen and name not in _REPLACED_SCHEMAS:
            seen.add(name)
            waiting.extend(_references(sources[name]))
    return sorted(seen)


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"].removeprefix(_SCHEMAS)
        node = list(node.values())
    if isinstance(node, list):
        for item in node:
            yield from _references(item)


def _renamed(node: Any, names: Mapping[str, str]) -> Any:
    """Return a copy in which every reference to a schema has its public name."""
    if isinstance(node, list):
        return [_renamed(item, names) for item in node]
    if not isinstance(node, dict):
        return node
    copy = {key: _renamed(value, names) for key, value in node.items()}
    if isinstance(copy.get("$ref"), str):
        name = copy["$ref"].removeprefix(_SCHEMAS)
        copy["$ref"] = _SCHEMAS + names.get(name, name)
    return copy

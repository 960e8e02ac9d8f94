"""The gateway's contract, to hold a fake one to: what it takes, what it answers, and whom it serves."""

import copy
import functools
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import best_match
from referencing import Registry
from referencing.jsonschema import DRAFT202012

DOCUMENT = Path(__file__).parents[1] / "contracts/pipeline-api.json"
_NAME = "urn:gateway"
_OPEN = frozenset({"Problem"})
"""RFC 9457 lets a problem carry members of its own, such as the run that is in the way."""
_FORMATS = FormatChecker(formats=())


@_FORMATS.checks("date-time", raises=ValueError)
def _is_time(value: object) -> bool:
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


@dataclass(frozen=True)
class Operation:
    """One method of one path of the contract."""

    method: str
    path: str
    """With the names of its parts: `/v1/models/{model}`."""
    role: str | None
    """Who may do it; none: anybody."""
    definition: Mapping[str, Any]


class Contract:
    """An OpenAPI document, compiled."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self._registry = Registry().with_resource(_NAME, DRAFT202012.create_resource(_closed(document)))
        self._validators: dict[tuple[str, ...], Draft202012Validator] = {}
        self._operations = [
            (
                re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path)),
                Operation(method.upper(), path, definition.get("x-role"), definition),
            )
            # A file's path first: a part without its ending would match it too.
            for path, methods in sorted(document["paths"].items(), key=lambda one: "}." not in one[0])
            for method, definition in methods.items()
        ]

    @staticmethod
    @functools.cache
    def load() -> "Contract":
        return Contract(json.loads(DOCUMENT.read_text()))

    @functools.cache  # noqa: B019  # there is one contract, and it lives as long as the tests
    def allowing(self, **values: str) -> "Contract":
        """The contract of a newer gateway, in which fields of these names may have a value more."""
        document = copy.deepcopy(self.document)
        for name, value in values.items():
            found = list(_enumerations(document, name))
            assert found, f"The contract enumerates no {name!r}: nothing has to be allowed."
            for enumerated in found:
                enumerated.append(value)
        return Contract(document)

    def find(self, method: str, path: str) -> tuple[Operation, dict[str, str]] | None:
        """Return the operation that a request is for, with the parts of its path."""
        for pattern, operation in self._operations:
            if operation.method == method and (match := pattern.fullmatch(path)):
                return operation, match.groupdict()
        return None

    def faults_of_request(
        self, operation: Operation, query: Mapping[str, str], kind: str, given: Any
    ) -> Iterator[str]:
        """Yield what the gateway would refuse a request for."""
        known = {one["name"]: place for place, one in enumerate(operation.definition.get("parameters", []))}
        for name, value in query.items():
            if name not in known:
                yield f"it has no parameter {name!r}"
                continue
            schema = operation.definition["parameters"][known[name]]["schema"]
            pointer = (*_at(operation), "parameters", str(known[name]), "schema")
            yield from self._faults(pointer, _typed(value, schema))
        bodies = operation.definition.get("requestBody", {}).get("content", {})
        if kind in bodies:
            if kind == "multipart/form-data":
                fields = bodies[kind]["schema"]["properties"]
                given = {name: _typed(value, fields.get(name, {})) for name, value in given.items()}
            yield from self._faults(
                (*_at(operation), "requestBody", "content", kind, "schema"), _readable(given)
            )
        elif kind or bodies:
            yield f"it takes {list(bodies)}, not {kind!r}"

    def faults_of_answer(self, operation: Operation, status: int, answered: Any) -> Iterator[str]:
        """Yield what is in an answer that the gateway would not give, or is not in it."""
        if status >= 400:
            yield from self._faults(("components", "schemas", "Problem"), answered)
            return
        found = operation.definition["responses"].get(str(status))
        if found is None:
            yield f"it never answers {status}"
            return
        kinds = list(found.get("content", {}))
        if kinds:
            pointer = (*_at(operation), "responses", str(status), "content", kinds[0], "schema")
            yield from self._faults(pointer, _readable(answered))
        elif answered is not None:
            yield f"its answer {status} has no body"

    def _faults(self, pointer: tuple[str, ...], value: Any) -> Iterator[str]:
        if pointer not in self._validators:
            steps = "/".join(quote(step.replace("~", "~0").replace("/", "~1")) for step in pointer)
            self._validators[pointer] = Draft202012Validator(
                {"$ref": f"{_NAME}#/{steps}"}, registry=self._registry, format_checker=_FORMATS
            )
        for error in self._validators[pointer].iter_errors(value):
            deepest = best_match([error]) or error
            yield f"{'.'.join(map(str, deepest.absolute_path)) or 'it'}: {deepest.message[:300]}"


def _at(operation: Operation) -> tuple[str, ...]:
    return ("paths", operation.path, operation.method.lower())


def _readable(value: Any) -> Any:
    """Return what a schema can be held to: the bytes of a picture are a text to it, whatever they are."""
    return "" if isinstance(value, bytes) else value


def _typed(value: Any, schema: Mapping[str, Any]) -> Any:
    """Return a value of a query or a form, where all is text, as what it stands for."""
    if not isinstance(value, str):
        return ""  # a file
    types = {schema.get("type"), *(one.get("type") for one in schema.get("anyOf", ()))}
    if "boolean" in types:
        return {"true": True, "false": False}.get(value, value)
    return int(value) if "integer" in types and value.isdigit() else value


def _closed(document: dict[str, Any]) -> dict[str, Any]:
    """Return the document with schemas that take no field that they do not name.

    The gateway may add fields at any time; a fake that did so would have pages rely on what is not there.
    """
    document = copy.deepcopy(document)
    for name, schema in document["components"]["schemas"].items():
        if name not in _OPEN and "properties" in schema:
            schema.setdefault("additionalProperties", False)
    return document


def _enumerations(node: Any, name: str) -> Iterator[list[str]]:
    """Yield the values of each field of a name that is an enumeration."""
    if isinstance(node, list):
        for one in node:
            yield from _enumerations(one, name)
    elif isinstance(node, dict):
        if isinstance(described := node.get("properties", {}).get(name), dict):
            yield from (one["enum"] for one in (described, *described.get("anyOf", ())) if "enum" in one)
        for one in node.values():
            yield from _enumerations(one, name)

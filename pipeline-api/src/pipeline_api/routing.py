"""Find the operation that a request's raw path names, segment by segment as it was sent.

Matching what the client sent, and passing on exactly the segments that were matched, leaves no room for
`..%2f`: the path that was checked and the path that is requested cannot differ.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import quote, unquote

from pipeline_api.routes import Operation
from pipeline_api.service.errors import NotFound

MAX_PATH_BYTES = 2048
MAX_QUERY_BYTES = 4096

_CACHED = 1024
_PARAMETER = re.compile(r"\{\w+\}(\.[a-z]+)?")
_FORBIDDEN = re.compile(r"[/\\\x00-\x1f\x7f]")
_DOTS = frozenset({"", ".", ".."})
_QUERY_SAFE = "!$&'()*+,;=:@/?%-._~"


@dataclass(slots=True)
class _Node:
    literal: dict[str, "_Node"] = field(default_factory=dict)
    parameter: "_Node | None" = None
    suffixed: dict[str, "_Node"] = field(default_factory=dict)
    """Parameters that end in this, such as `{report}.html`."""
    operations: dict[str, Operation] = field(default_factory=dict)
    template: str = ""


def _suffixed(node: _Node, segment: str) -> _Node | None:
    stem, dot, suffix = segment.rpartition(".")
    return node.suffixed.get(dot + suffix) if stem else None


@dataclass(frozen=True, slots=True)
class Match:
    """What a path leads to: the operations by method, their template, the path to request."""

    operations: dict[str, Operation]
    template: str
    path: str


class RouteTable:
    """The operations, indexed by path segment."""

    def __init__(self, operations: Iterable[Operation]) -> None:
        """Index them."""
        self._root = _Node()
        self._cached_walk = lru_cache(_CACHED)(self._walk)
        for operation in operations:
            node = self._root
            for segment in operation.path.split("/")[1:]:
                parameter = _PARAMETER.fullmatch(segment)
                if parameter and parameter[1]:
                    node = node.suffixed.setdefault(parameter[1], _Node())
                elif parameter:
                    node.parameter = node.parameter or _Node()
                    node = node.parameter
                else:
                    node = node.literal.setdefault(segment, _Node())
            node.operations[operation.method] = operation
            node.template = operation.path

    def match(self, raw_path: bytes) -> Match | None:
        """Return what a raw path leads to, None when nothing public is there."""
        if len(raw_path) > MAX_PATH_BYTES:
            return None
        return self._cached_walk(raw_path)

    def _walk(self, raw_path: bytes) -> Match | None:
        node = self._root
        path = ""
        for raw in raw_path.split(b"/")[1:]:
            segment = segment_of(raw)
            if segment is None:
                return None
            found = node.literal.get(segment) or _suffixed(node, segment) or node.parameter
            if found is None:
                return None
            node = found
            path += "/" + quote(segment, safe="")
        return Match(node.operations, node.template, path) if node.operations else None


def segment_of(raw: bytes) -> str | None:
    """Return one decoded segment of a path, None when it is empty, dots, or hides a separator."""
    try:
        segment = unquote(raw.decode("ascii"), errors="strict")
    except UnicodeDecodeError:
        return None
    if segment in _DOTS or _FORBIDDEN.search(segment):
        return None
    return segment


def query_of(raw: bytes) -> str:
    """Return a query string that is safe to pass on: whatever does not belong in a URL is encoded."""
    return quote(raw, safe=_QUERY_SAFE)


def path_of(*segments: str) -> str:
    """Return the encoded path of decoded segments; raise 404 when one of them is invalid."""
    if any(segment in _DOTS or _FORBIDDEN.search(segment) for segment in segments):
        raise NotFound("There is nothing at this address.")
    return "".join(f"/{quote(segment, safe='')}" for segment in segments)

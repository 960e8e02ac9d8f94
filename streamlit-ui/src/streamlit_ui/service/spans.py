"""Spans of sampled traces.

Without a collector, and where a trace is not sampled, nothing is made, and asking costs a comparison. A span
is a plain record until it ends: one of OpenTelemetry's SDK takes five times as long, while a request waits.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import time_ns
from typing import Literal

from .trace_context import RequestIds, Traceparent, current_request, request_ids

Kind = Literal["server", "client", "consumer", "internal"]
Attributes = Mapping[str, str | int | float | bool]


@dataclass(slots=True)
class Span:
    """A span that has begun; whoever began it may change its name and attributes until it ends."""

    name: str
    kind: Kind
    parent: Traceparent | None
    ids: RequestIds
    attributes: dict[str, str | int | float | bool]
    began_ns: int
    ended_ns: int = 0
    failed: bool = False


class _Tracing:
    send: Callable[[Span], None] | None = None


def trace_with(send: Callable[[Span], None] | None) -> None:
    """Make spans from now on, and pass each to `send` when it has ended; None to make none."""
    _Tracing.send = send


def is_traced() -> bool:
    """Tell whether this process makes spans."""
    return _Tracing.send is not None


def open_span(
    name: str, parent: Traceparent | None, kind: Kind, attributes: Attributes, request_id: str | None = None
) -> Span | None:
    """Begin a span of a sampled trace, below its parent or at its root; whoever begins it ends it."""
    if _Tracing.send is None:
        return None
    ids = request_ids(parent, request_id, sampled=True)
    return Span(name, kind, parent, ids, dict(attributes), time_ns())


def close_span(span: Span, error: str | None = None) -> None:
    """End a span, as failed if an error is given: its kind, from a closed set."""
    span.ended_ns = time_ns()
    if error is not None:
        span.failed, span.attributes["error.type"] = True, error
    send = _Tracing.send
    if send is not None:
        send(span)


@dataclass
class Traced:
    """Work that is being done in a trace."""

    ids: RequestIds
    error: str | None = None
    """What kind of error it ends with, from a closed set; an exception that leaves it sets its own."""
    attributes: dict[str, str | int] = field(default_factory=dict)
    """What its span is given at its end."""


@contextmanager
def traced(
    name: str,
    parent: Traceparent | None,
    kind: Kind = "internal",
    attributes: Attributes | None = None,
    *,
    root: bool = True,
) -> Iterator[Traced]:
    """Do some work in a trace: log lines carry its id, and a span is made if the trace is sampled.

    `root` says whether work without a parent is sampled. An exception fails the span, which then has its
    type and not its message: that may contain what people typed.
    """
    wanted = is_traced() and (root if parent is None else parent.sampled)
    span = open_span(name, parent, kind, attributes or {}) if wanted else None
    work = Traced(span.ids if span else request_ids(parent, sampled=wanted))
    token = current_request.set(work.ids)
    try:
        yield work
    except BaseException as raised:
        work.error = type(raised).__qualname__
        raise
    finally:
        current_request.reset(token)
        if span is not None:
            span.attributes |= work.attributes
            close_span(span, work.error)

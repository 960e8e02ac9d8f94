"""Spans of sampled traces, as OpenTelemetry's API makes them.

Without a collector, and where a trace is not sampled, nothing is made, and asking costs a comparison.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from .trace_context import RequestIds, Traceparent, current_request, request_ids

if TYPE_CHECKING:  # what it loads is needed only with a collector
    from opentelemetry.trace import Span, Tracer

Kind = Literal["server", "client", "consumer", "internal"]
Attributes = Mapping[str, str | int | float | bool]


class _Tracing:
    tracer: "Tracer | None" = None


def trace_with(tracer: "Tracer | None") -> None:
    """Make spans with this tracer from now on, None to make none."""
    _Tracing.tracer = tracer


def is_traced() -> bool:
    """Tell whether this process makes spans."""
    return _Tracing.tracer is not None


def open_span(name: str, parent: Traceparent | None, kind: Kind, attributes: Attributes) -> "Span | None":
    """Begin a span of a sampled trace, below its parent or at its root; whoever begins it ends it."""
    tracer = _Tracing.tracer
    if tracer is None:
        return None
    from opentelemetry.context import Context  # noqa: PLC0415  # loaded with the tracer
    from opentelemetry.trace import (  # noqa: PLC0415
        NonRecordingSpan,
        SpanContext,
        SpanKind,
        TraceFlags,
        set_span_in_context,
    )

    context = Context()
    if parent is not None:
        trace_id, span_id = int(parent.trace_id, 16), int(parent.span_id, 16)
        flags = TraceFlags(TraceFlags.SAMPLED)
        remote = NonRecordingSpan(SpanContext(trace_id, span_id, is_remote=True, trace_flags=flags))
        context = set_span_in_context(remote, context)
    return tracer.start_span(name, context, SpanKind[kind.upper()], attributes)


def ids_of(span: "Span", request_id: str | None = None) -> RequestIds:
    """Return the ids of a span."""
    context = span.get_span_context()
    trace_id = f"{context.trace_id:032x}"
    return RequestIds(trace_id, f"{context.span_id:016x}", request_id or trace_id, sampled=True)


def close_span(span: "Span", error: str | None = None) -> None:
    """End a span, as failed if an error is given: its kind, from a closed set."""
    if error is not None:
        from opentelemetry.trace import StatusCode  # noqa: PLC0415  # loaded with the tracer

        span.set_attribute("error.type", error)
        span.set_status(StatusCode.ERROR)
    span.end()


@dataclass
class Traced:
    """Work that is being done in a trace."""

    ids: RequestIds
    error: str | None = None
    """What kind of error it ends with, from a closed set; an exception that leaves it sets its own."""


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
    work = Traced(request_ids(parent, sampled=wanted) if span is None else ids_of(span))
    token = current_request.set(work.ids)
    try:
        yield work
    except BaseException as raised:
        work.error = type(raised).__qualname__
        raise
    finally:
        current_request.reset(token)
        if span is not None:
            close_span(span, work.error)

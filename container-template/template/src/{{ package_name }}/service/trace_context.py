"""A trace id for every request, taken from and passed on in the W3C `traceparent` header."""

import random
import re
from contextvars import ContextVar
from typing import NamedTuple

from opentelemetry import trace

_TRACEPARENT = re.compile(
    r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?"
)


class RequestIds(NamedTuple):
    """Identify one request: `trace_id` has 32 hex digits, `span_id` 16; `request_id` may be the caller's."""

    trace_id: str
    span_id: str
    request_id: str


current_request: ContextVar[RequestIds | None] = ContextVar("current_request", default=None)


def request_ids(traceparent: str | None, request_id: str | None) -> RequestIds:
    """Identify a request by its span if there is one, else by the caller's trace, else by new ids."""
    span = trace.get_current_span()
    if span is not trace.INVALID_SPAN and (context := span.get_span_context()).is_valid:
        trace_id, span_id = f"{context.trace_id:032x}", f"{context.span_id:016x}"
    else:
        # Ids need not be secret, and asking the kernel releases the interpreter lock: 10 µs on every request.
        fresh = f"{random.getrandbits(192):048x}"
        trace_id, span_id = trace_id_of(traceparent) or fresh[:32], fresh[32:]
    return RequestIds(trace_id, span_id, request_id or trace_id)


def new_traceparent() -> str:
    """Return the header for a call to another service: in the current request's trace, else in a new one."""
    ids = current_request.get() or request_ids(None, None)
    return f"00-{ids.trace_id}-{ids.span_id}-01"


def trace_id_of(traceparent: str | None) -> str | None:
    """Return the trace id of a traceparent header, None when it is absent or malformed."""
    match = _TRACEPARENT.fullmatch(traceparent) if traceparent else None
    return match[1] if match else None


def current_trace_id() -> str | None:
    """Return the trace id of the request being served, None outside of one."""
    ids = current_request.get()
    return ids.trace_id if ids else None

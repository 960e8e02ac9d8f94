"""A trace id for every request, taken from and passed on in the W3C `traceparent` header.

Whether a trace is *sampled*, that is recorded as spans, is decided once, where it enters the platform
(`HeadSampling`); whoever is called from inside follows (`follow`). So a sampled trace is whole.
"""

import random
import re
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from hashlib import blake2b
from typing import NamedTuple

_TRACEPARENT = re.compile(
    r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?"
)
_SAMPLED = 0x01
_SPAN = 2**64
Headers = Iterable[tuple[bytes, bytes]]


class Traceparent(NamedTuple):
    """Where a trace comes from: `trace_id` has 32 hex digits, `span_id` of the caller 16."""

    trace_id: str
    span_id: str
    sampled: bool

    @property
    def header(self) -> str:
        """The W3C header that continues the trace."""
        return f"00-{self.trace_id}-{self.span_id}-{'01' if self.sampled else '00'}"


class RequestIds(NamedTuple):
    """Identify one request, or one piece of background work: `request_id` may be the caller's."""

    trace_id: str
    span_id: str
    request_id: str
    sampled: bool = False

    @property
    def traceparent(self) -> Traceparent:
        """What calls of other services on behalf of this request continue."""
        return Traceparent(self.trace_id, self.span_id, self.sampled)


Sampling = Callable[[Traceparent | None, Headers], bool]
"""Decides by the caller's trace, if there is one, and the request's headers whether a request is sampled."""

current_request: ContextVar[RequestIds | None] = ContextVar("current_request", default=None)


def parse_traceparent(header: str | None) -> Traceparent | None:
    """Return what a traceparent header says, None when it is absent or malformed."""
    match = _TRACEPARENT.fullmatch(header) if header else None
    return Traceparent(match[1], match[2], bool(int(match[3], 16) & _SAMPLED)) if match else None


def request_ids(
    parent: Traceparent | None, request_id: str | None = None, *, sampled: bool = False
) -> RequestIds:
    """Identify a request that has no span: by the caller's trace, else by new ids."""
    # Ids need not be secret, and asking the kernel releases the interpreter lock: 10 µs on every request.
    fresh = f"{random.getrandbits(192):048x}"
    trace_id = parent.trace_id if parent else fresh[:32]
    return RequestIds(trace_id, fresh[32:], request_id or trace_id, sampled)


def follow(parent: Traceparent | None, _headers: Headers) -> bool:
    """Sample what the caller samples: for a service that only others of the platform call."""
    return parent is not None and parent.sampled


class HeadSampling:
    """Samples a share of the traces that come from outside, whatever their callers wish.

    All replicas with the same key decide the same about a trace, and nobody without the key can choose an id
    that is sampled.
    """

    def __init__(self, ratio: float, key: bytes, believes: Callable[[Headers], bool] | None = None) -> None:
        """Sample this share, 0 to 1; callers whom `believes` knows by their headers have decided already."""
        self._below = int(ratio * _SPAN)
        self._key = blake2b(key).digest()
        self._believes = believes

    def __call__(self, parent: Traceparent | None, headers: Headers) -> bool:
        """Decide about one request."""
        if parent is None:
            return random.getrandbits(64) < self._below
        if self._believes is not None and self._believes(headers):
            return parent.sampled
        digest = blake2b(parent.trace_id.encode(), key=self._key, digest_size=8).digest()
        return int.from_bytes(digest) < self._below


def new_traceparent() -> str:
    """Return the header for a call to another service: in the current trace, else in a new, unsampled one."""
    return (current_request.get() or request_ids(None)).traceparent.header


def current_traceparent() -> str | None:
    """Return the header that continues the current trace, None outside of one: stored with queued work."""
    ids = current_request.get()
    return ids.traceparent.header if ids else None


def trace_id_of(traceparent: str | None) -> str | None:
    """Return the trace id of a traceparent header, None when it is absent or malformed."""
    found = parse_traceparent(traceparent)
    return found.trace_id if found else None


def current_trace_id() -> str | None:
    """Return the trace id of the request being served, None outside of one."""
    ids = current_request.get()
    return ids.trace_id if ids else None

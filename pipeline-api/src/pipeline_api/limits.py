"""How much one credential may ask for: a request rate with bursts, requests in flight, open WebSockets.

It is all counted in this process: with n replicas behind a balancer a credential may reach n times its rate.
"""

import contextlib
import threading
from collections import Counter
from collections.abc import Iterator

from cachetools import LRUCache

from pipeline_api.service.errors import NotReady, TooManyRequests

_REMEMBERED = 16_384
"""Credentials whose rate limit is kept; one that was dropped starts with a full bucket."""


class RateLimit:
    """What one credential may still ask for: a token bucket, and a count of requests in flight."""

    __slots__ = ("at", "burst", "in_flight", "max_in_flight", "rate", "tokens")

    def __init__(self, rate: float, burst: float, max_in_flight: int, now: float) -> None:
        """Start with a full bucket of `burst` requests that refills at `rate` per second (0: no limit)."""
        self.rate = rate
        self.burst = max(burst, 1.0)
        self.tokens = self.burst
        self.at = now
        self.max_in_flight = max_in_flight
        self.in_flight = 0

    def __enter__(self) -> None:
        """Count a request as in flight."""
        self.in_flight += 1

    def __exit__(self, *_: object) -> None:
        """Count it no longer."""
        self.in_flight -= 1

    def take(self, now: float) -> None:
        """Count one request, `now` in seconds of a monotonic clock; raise 429 when it is one too many."""
        if self.in_flight >= self.max_in_flight:
            raise TooManyRequests(
                f"This credential already has {self.in_flight} requests in flight, the most it may have.",
                retry_after=1,
            )
        if self.rate <= 0:
            return
        tokens = min(self.burst, self.tokens + (now - self.at) * self.rate)
        self.at = now
        if tokens < 1.0:
            self.tokens = tokens
            raise TooManyRequests(
                f"This credential may make {self.rate:g} requests per second and has made more.",
                retry_after=(1.0 - tokens) / self.rate,
            )
        self.tokens = tokens - 1.0


class RateLimits:
    """The rate limit of each credential, even after the credential itself was forgotten."""

    def __init__(self, burst_s: float, max_in_flight: int) -> None:
        """Allow bursts as large as what the rate gives in `burst_s` seconds."""
        self._burst_s = burst_s
        self._max_in_flight = max_in_flight
        self._kept: LRUCache[str, RateLimit] = LRUCache(_REMEMBERED)
        self._lock = threading.Lock()

    def of(self, credential: str, rate: float, now: float) -> RateLimit:
        """Return a credential's rate limit, a new one if its rate has changed. Callable from any thread."""
        with self._lock:
            rate_limit = self._kept.get(credential)
            if rate_limit is None or rate_limit.rate != rate:
                rate_limit = RateLimit(rate, rate * self._burst_s, self._max_in_flight, now)
                self._kept[credential] = rate_limit
            return rate_limit


class ConcurrencyLimit:
    """How many WebSockets may be open at the same time, in total and per credential."""

    def __init__(self, total: int, per_credential: int) -> None:
        """Allow this many."""
        self._total = total
        self._per_credential = per_credential
        self._open: Counter[str] = Counter()

    @contextlib.contextmanager
    def hold(self, credential: str) -> Iterator[None]:
        """Count a WebSocket as open inside the block; raise 429 or 503 when it would be one too many."""
        if self._open[credential] >= self._per_credential:
            raise TooManyRequests(
                f"This credential already has {self._per_credential} WebSockets open, the most it may have.",
                retry_after=5,
            )
        if self._open.total() >= self._total:
            raise NotReady(
                "Every WebSocket this gateway may have is open; try again.", headers={"Retry-After": "5"}
            )
        self._open[credential] += 1
        try:
            yield
        finally:
            self._open[credential] -= 1
            self._open += Counter()  # drops the credentials that have none open

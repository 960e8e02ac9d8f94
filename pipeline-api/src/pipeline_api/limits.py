"""How much one credential may ask for: a rate with bursts, and a share of what is being worked on.

Both are kept in this process: with n replicas behind a balancer a credential may reach n times its rate.
"""

from collections import OrderedDict

from pipeline_api.service.errors import TooManyRequests

_REMEMBERED = 16_384
"""Credentials whose allowance is kept; whoever is forgotten starts with a full bucket."""


class Allowance:
    """What one credential may still ask for: a token bucket and a count of requests in flight."""

    __slots__ = ("at", "burst", "in_flight", "max_in_flight", "rate", "tokens")

    def __init__(self, rate: float, burst: float, max_in_flight: int, now: float) -> None:
        """Start with a full bucket of `burst` requests that refills with `rate` a second (0: no limit)."""
        self.rate = rate
        self.burst = max(burst, 1.0)
        self.tokens = self.burst
        self.at = now
        self.max_in_flight = max_in_flight
        self.in_flight = 0

    def __enter__(self) -> None:
        """Count a request that is being worked on."""
        self.in_flight += 1

    def __exit__(self, *_: object) -> None:
        """Count it no more."""
        self.in_flight -= 1

    def take(self, now: float) -> None:
        """Count one request, `now` in seconds of a monotonic clock; raise 429 when it is too many."""
        if self.in_flight >= self.max_in_flight:
            raise TooManyRequests(
                f"This credential has {self.in_flight} requests in flight, which is the most it may have.",
                retry_after=1,
            )
        if self.rate <= 0:
            return
        tokens = min(self.burst, self.tokens + (now - self.at) * self.rate)
        self.at = now
        if tokens < 1.0:
            self.tokens = tokens
            raise TooManyRequests(
                f"This credential may make {self.rate:g} requests a second, and made more.",
                retry_after=(1.0 - tokens) / self.rate,
            )
        self.tokens = tokens - 1.0


class Allowances:
    """The allowance of each credential, whatever else is forgotten of it."""

    def __init__(self, burst_s: float, max_in_flight: int) -> None:
        """Let bursts be as large as what the rate gives in `burst_s` seconds."""
        self._burst_s = burst_s
        self._max_in_flight = max_in_flight
        self._kept: OrderedDict[str, Allowance] = OrderedDict()

    def of(self, credential: str, rate: float, now: float) -> Allowance:
        """Return a credential's allowance, adjusted when its rate was changed."""
        allowance = self._kept.get(credential)
        if allowance is None or allowance.rate != rate:
            allowance = Allowance(rate, rate * self._burst_s, self._max_in_flight, now)
            self._kept[credential] = allowance
        self._kept.move_to_end(credential)
        while len(self._kept) > _REMEMBERED:
            self._kept.popitem(last=False)
        return allowance

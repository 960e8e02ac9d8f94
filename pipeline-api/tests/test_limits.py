from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline_api import limits
from pipeline_api.limits import RateLimit, RateLimits
from pipeline_api.service.errors import TooManyRequests


def count(rate_limit: RateLimit, times: list[float]) -> int:
    """Return how many requests at these times are let through."""
    passed = 0
    for time in times:
        try:
            rate_limit.take(time)
        except TooManyRequests:
            continue
        passed += 1
    return passed


def test_a_burst_passes_and_what_is_over_it_does_not() -> None:
    assert count(RateLimit(rate=10, burst=20, max_in_flight=9, now=0), [0.0] * 100) == 20


def test_the_bucket_refills_at_its_rate() -> None:
    rate_limit = RateLimit(rate=10, burst=20, max_in_flight=9, now=0)
    count(rate_limit, [0.0] * 100)

    assert count(rate_limit, [1.0] * 100) == 10


@given(
    st.floats(0.1, 1000),
    st.floats(1, 100),
    st.lists(st.floats(0, 100), max_size=200).map(sorted),
)
def test_no_schedule_gets_more_than_burst_and_rate(rate: float, burst: float, times: list[float]) -> None:
    rate_limit = RateLimit(rate=rate, burst=burst, max_in_flight=9, now=0)

    passed = count(rate_limit, times)

    assert passed <= burst + rate * (times[-1] if times else 0) + 1e-6


def test_a_refusal_says_when_to_come_again() -> None:
    rate_limit = RateLimit(rate=0.1, burst=1, max_in_flight=9, now=0)
    rate_limit.take(0)

    with pytest.raises(TooManyRequests) as refused:
        rate_limit.take(0)

    assert refused.value.headers["Retry-After"] == "10"


def test_a_rate_of_zero_is_no_limit() -> None:
    assert count(RateLimit(rate=0, burst=0, max_in_flight=9, now=0), [0.0] * 1000) == 1000


def test_requests_in_flight_are_limited() -> None:
    rate_limit = RateLimit(rate=0, burst=0, max_in_flight=1, now=0)

    with rate_limit, pytest.raises(TooManyRequests):
        rate_limit.take(0)

    rate_limit.take(0)


def test_a_credential_keeps_its_allowance_until_its_rate_changes() -> None:
    rate_limits = RateLimits(burst_s=1, max_in_flight=9)
    first = rate_limits.of("a", 5, now=0)

    assert rate_limits.of("a", 5, now=1) is first
    assert rate_limits.of("b", 5, now=1) is not first
    assert rate_limits.of("a", 6, now=1) is not first


def test_the_credential_unused_for_longest_is_dropped_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "_REMEMBERED", 2)
    rate_limits = RateLimits(burst_s=1, max_in_flight=9)
    a, b = (rate_limits.of(name, 5, now=0) for name in "ab")

    assert rate_limits.of("a", 5, now=0) is a
    rate_limits.of("c", 5, now=0)

    assert rate_limits.of("a", 5, now=0) is a
    assert rate_limits.of("b", 5, now=0) is not b


def test_rate_limits_are_reached_from_many_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "_REMEMBERED", 4)
    rate_limits = RateLimits(burst_s=1, max_in_flight=9)

    def use(offset: int) -> None:
        for number in range(5000):
            rate_limits.of(str((number + offset) % 9), 5, now=0)

    with ThreadPoolExecutor(8) as threads:
        for done in [threads.submit(use, offset) for offset in range(8)]:
            done.result()

    assert len(rate_limits._kept) == 4

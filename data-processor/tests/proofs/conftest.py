"""How the proofs count: some seeds in every test run, all 1 000 with the services.

Bounds that the statistics promise (*Proofs in the tests*) hold outright over all seeds; over a few, and for
figures that were simulated with other seeds, a count may be off by its sampling error.
"""

from collections.abc import Callable
from typing import Any

import pytest
from scipy import stats

from data_processor.feedback.controller import Facts
from data_processor.statistics.score import Score, Share

FEW, ALL = 30, 1_000
SURE = 0.999
"""How unlikely a count may be, if the rate is what it should be, before a proof fails."""


@pytest.fixture(params=[FEW, pytest.param(ALL, marks=pytest.mark.services)])
def seeds(request: pytest.FixtureRequest) -> range:
    """Return the seeds of a proof."""
    return range(request.param)


@pytest.fixture
def at_most() -> Callable[[int, int, float], None]:
    """Check that so many of so many are in keeping with a rate of at most so much; of all seeds, are."""

    def check(hits: int, trials: int, rate: float) -> None:
        most = rate * trials if trials == ALL else stats.binom.ppf(SURE, trials, rate)
        assert hits <= most, f"{hits} of {trials}, and at most {rate:.1%} should"

    return check


@pytest.fixture
def at_least() -> Callable[[int, int, float], None]:
    """Check that so many of so many are in keeping with a rate of at least so much; of all seeds, are."""

    def check(hits: int, trials: int, rate: float) -> None:
        fewest = rate * trials if trials == ALL else stats.binom.ppf(1 - SURE, trials, rate)
        assert hits >= fewest, f"{hits} of {trials}, and at least {rate:.1%} should"

    return check


@pytest.fixture
def about() -> Callable[[int, int, float], None]:
    """Check that so many of so many are in keeping with a rate of so much: neither too few nor too many."""

    def check(hits: int, trials: int, rate: float) -> None:
        fewest, most = (stats.binom.ppf(share, trials, rate) for share in (1 - SURE, SURE))
        assert fewest <= hits <= most, f"{hits} of {trials}, and about {rate:.1%} should"

    return check


@pytest.fixture
def facts() -> Callable[..., Facts]:
    """Make the facts of a model that had so many of the last `n` right, and lacks nothing for a run."""

    def make(right: int, n: int, **fields: Any) -> Facts:
        share = Share(right, n)
        score = Score(deciding=share, asked=None, volunteered=share, by_asked=False, raters=9, remark="")
        nothing: dict[str, Any] = {
            "version": "1",
            "was_degraded": False,
            "open_run": None,
            "idle_s": None,
            "new_labels": 1_000_000,
            "hold": None,
            "circuit_breaker": None,
            "predecessor": None,
            "enabled": True,
        }
        return Facts(score=score, **{**nothing, **fields})

    return make

"""The interval that is shown covers the truth as often as it says."""

from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

from data_processor.models.policy import Policy
from data_processor.statistics.score import FeedbackEntry, summarise, wilson

POLICY = Policy()


def test_the_interval_covers_the_true_share_in_93_of_100_cases(
    seeds: range, at_least: Callable[[int, int, float], None]
) -> None:
    covered = 0
    for seed in seeds:
        rng = np.random.default_rng(seed)
        truth, rated = rng.uniform(0.5, 0.98), int(rng.integers(50, 300))
        right = rng.random(rated) < truth
        score = summarise(
            (FeedbackEntry(str(i), str(i % 9), bool(r), False) for i, r in enumerate(right)), POLICY
        )
        low, high = score.deciding.interval() or (0.0, 0.0)
        covered += low <= truth <= high
    at_least(covered, len(seeds), 0.93)


@pytest.mark.parametrize("n", [50, 100, 200])
def test_the_interval_covers_93_of_100_at_every_share_that_a_model_may_have(n: int) -> None:
    """Exactly, by summing the binomial distribution; on average over shares it covers 95 of 100."""
    rights = np.arange(n + 1)
    low, high = np.array([wilson(int(right), n) for right in rights]).T
    shares = np.linspace(0.50, 0.90, 401)
    covering = (low <= shares[:, None]) & (shares[:, None] <= high)
    coverage = (stats.binom.pmf(rights, n, shares[:, None]) * covering).sum(axis=1)
    assert coverage.min() >= 0.93
    assert coverage.mean() == pytest.approx(0.95, abs=0.005)

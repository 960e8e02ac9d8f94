import random

import pytest

from compose_stack.benchmarks.telemetry import PAIRS, ratio


def test_the_interval_of_a_ratio_has_the_true_one_in_it_most_of_the_time() -> None:
    chance = random.Random(5)  # noqa: S311  # no secret
    covered = 0
    for _ in range(300):
        found = ratio([1.04 * chance.lognormvariate(0, 0.05) for _ in range(PAIRS)])
        assert found.low < found.value < found.high
        covered += found.low <= 1.04 <= found.high
    assert 0.92 < covered / 300 < 0.98


def test_pairs_that_agree_leave_no_doubt() -> None:
    found = ratio([1.02] * PAIRS)
    assert (found.low, found.value, found.high) == pytest.approx((1.02, 1.02, 1.02))

import numpy as np
import pytest

from data_processor.statistics.clusters import effective_number
from data_processor.statistics.score import wilson


def test_answers_that_are_each_a_group_are_worth_their_number() -> None:
    right = [True, False, True, True] * 25

    assert effective_number(right, range(100)) == pytest.approx(100, rel=0.02)


def test_answers_that_are_alike_in_a_group_are_worth_its_number() -> None:
    right = np.repeat([True, False, True, True, False, True], 20).tolist()

    assert effective_number(right, np.repeat(range(6), 20).tolist()) == 6


@pytest.mark.parametrize("same", [True, False])
def test_where_all_are_right_or_none_is_groups_count_once(same: bool) -> None:
    assert effective_number([same] * 60, [n % 12 for n in range(60)]) == 12


def test_one_group_is_worth_one_answer_and_nothing_is_worth_nothing() -> None:
    assert effective_number([True, False, True], ["a", "a", "a"]) == 1
    assert effective_number([], []) == 0


def test_the_interval_covers_where_answers_of_a_group_are_correlated() -> None:
    """40 groups of 5 with a correlation of 0.5: taken as 200 answers, far fewer than 95 % would cover."""
    covered = naive = 0
    for seed in range(300):
        rng = np.random.default_rng(seed)
        shared, own, alone = rng.random(40) < 0.75, rng.random((40, 5)) < 0.75, rng.random((40, 5))
        right = np.where(alone < 0.5**0.5, shared[:, None], own).ravel()
        worth = effective_number(right.tolist(), np.repeat(range(40), 5).tolist())
        low, high = wilson(right.mean() * worth, worth)
        covered += low <= 0.75 <= high
        low, high = wilson(int(right.sum()), 200)
        naive += low <= 0.75 <= high
    assert covered >= 0.91 * 300
    assert naive < 0.85 * 300

"""Rows that belong together: what the paired tests and the gate make of groups."""

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from data_processor.models.policy import Policy
from data_processor.statistics.clusters import FEWEST_GROUPS
from data_processor.statistics.gate import Answers, Receipt, decide
from data_processor.statistics.measures import SelectionMetric, prepare
from data_processor.statistics.paired import (
    FLIPS,
    compare_measured,
    compare_right,
    intervals,
    sign_flip,
)

CLASSES = ("no", "yes")
Flags = NDArray[np.bool_]


def answered(truth: NDArray[Any], right: Flags) -> Answers:
    return Answers(labels=np.where(right, truth, np.where(truth == "no", "yes", "no")).astype(object))


def meet(champion: Flags, challenger: Flags, groups: NDArray[Any] | None, k: int = 1) -> Receipt:
    truth = np.resize(np.array(CLASSES, object), len(champion))
    return decide(
        slice="reference",
        labels=truth,
        champion=answered(truth, champion),
        challenger=answered(truth, challenger),
        metric="accuracy",
        policy=Policy(),
        k=k,
        seed=1,
        classes=CLASSES,
        groups=groups,
    )


@settings(max_examples=50)
@given(st.lists(st.integers(-4, 4), min_size=1, max_size=10))
def test_few_signs_are_flipped_in_every_way(differences: list[int]) -> None:
    found = sign_flip(np.array(differences, np.float64), seed=1)
    sums = [
        sum(sign * one for sign, one in zip(signs, differences, strict=True))
        for signs in itertools.product((-1, 1), repeat=len(differences))
    ]

    at_least = np.mean([one >= sum(differences) for one in sums])
    at_most = np.mean([one <= sum(differences) for one in sums])
    assert found == pytest.approx((at_least, at_most))


def test_many_signs_are_drawn_and_agree_with_the_exact_way() -> None:
    differences = np.array([1.0] * 12 + [-1.0] * 5)
    better, worse = sign_flip(differences, seed=3)

    # 12 or more heads of 17 throws
    assert better == pytest.approx(sum(_choose(17, n) for n in range(12, 18)) / 2**17, abs=0.01)
    assert worse > 0.95
    assert sign_flip(differences, seed=3) == (better, worse)
    assert better * (FLIPS + 1) == pytest.approx(round(better * (FLIPS + 1)))


def _choose(n: int, k: int) -> int:
    return len(list(itertools.combinations(range(n), k)))


def test_groups_of_one_row_are_as_good_as_rows() -> None:
    champion = np.repeat([True, False, True, False], [60, 12, 3, 5])
    challenger = np.repeat([True, True, False, False], [60, 12, 3, 5])
    by_row = compare_right(champion, challenger)
    by_group = compare_right(champion, challenger, np.arange(80))

    assert by_group == by_row


def test_a_gain_in_one_group_proves_nothing_however_many_rows_it_has() -> None:
    groups = np.repeat(np.arange(12), 50)
    champion = np.ones(600, np.bool_)
    champion[:50] = False  # one group, and the challenger is right there
    receipt = meet(champion, np.ones(600, np.bool_), groups)

    assert receipt.verdict == "hold"
    assert (receipt.test, receipt.groups, receipt.p_value) == ("sign-flip", 12, 0.5)
    assert meet(champion, np.ones(600, np.bool_), None).verdict == "promote"


def test_a_gain_in_every_group_is_promoted() -> None:
    groups, first = np.repeat(np.arange(12), 50), np.arange(600) % 50 == 0
    receipt = meet(~first, np.ones(600, np.bool_), groups)

    assert receipt.verdict == "promote"
    assert receipt.p_value == 1 / 2**12
    assert "600 holdout rows of 12 groups" in receipt.reason
    assert receipt.resamples is None


@pytest.mark.parametrize("metric", ["accuracy", "log_loss"])
def test_fewer_than_ten_groups_are_too_few(metric: SelectionMetric) -> None:
    truth, groups = np.resize(np.array(CLASSES, object), 450), np.repeat(np.arange(9), 50)
    perfect = np.where(truth == "yes", 0.9, 0.1)
    receipt = decide(
        slice="reference",
        labels=truth,
        champion=Answers(labels=truth[::-1], probabilities=np.c_[perfect, 1 - perfect]),
        challenger=Answers(labels=truth, probabilities=np.c_[1 - perfect, perfect]),
        metric=metric,
        policy=Policy(),
        k=1,
        seed=1,
        classes=CLASSES,
        groups=groups,
    )

    assert receipt.verdict == "hold"
    assert "too few groups" in receipt.reason
    assert (receipt.groups, receipt.p_value) == (9, None)
    assert receipt.n_needed == 50 * FEWEST_GROUPS


def test_the_rows_asked_for_are_those_of_as_many_groups_as_it_takes() -> None:
    rng = np.random.default_rng(1)
    groups = np.repeat(np.arange(20), 10)
    champion = rng.random(200) < 0.7
    challenger = champion | (rng.random(200) < 0.12)
    challenger &= rng.random(200) < 0.93
    receipt = meet(champion, challenger, groups, k=4)

    assert receipt.verdict == "hold"
    assert receipt.n_needed is not None
    assert receipt.n_needed > receipt.n
    assert receipt.n_needed % 10 == 0


def test_a_class_is_not_broken_by_one_group() -> None:
    truth = np.resize(np.array(CLASSES, object), 600)
    groups = np.repeat(np.arange(12), 50)
    champion = np.ones(600, np.bool_)
    challenger = np.where((groups < 3) & (truth == "no"), False, champion)
    by_row, by_group = (meet(champion, challenger, each) for each in (None, groups))

    assert by_row.slices["reference"].classes[0].broken
    assert not by_group.slices["reference"].classes[0].broken


def test_the_bootstrap_draws_groups() -> None:
    """Errors that a group shares: of rows the interval is far too narrow."""
    rng = np.random.default_rng(5)
    groups = np.repeat(np.arange(20), 50)
    shared = rng.normal(0, 1, 20)[groups]
    one, two = np.abs(rng.normal(0, 1, 1_000)), np.abs(rng.normal(0, 1, 1_000) + shared)
    zero = np.zeros(1_000)
    first, second = (prepare("mae", zero, Answers(values=each)) for each in (one, two))
    pairs: dict[SelectionMetric, Any] = {"mae": (first, second)}
    by_row = intervals(pairs, rows=1_000, level=0.95, seed=1)["mae"]
    by_group = intervals(pairs, rows=1_000, level=0.95, seed=1, groups=groups)["mae"]
    compared = compare_measured("mae", first, second, rows=1_000, alpha=0.025, seed=1, groups=groups)

    assert by_row is not None
    assert by_group is not None
    assert by_group[1] - by_group[0] > 1.5 * (by_row[1] - by_row[0])
    assert compared.gain == pytest.approx(one.mean() - two.mean())
    assert intervals(pairs, rows=1_000, level=0.95, seed=1, groups=groups % 9)["mae"] is None

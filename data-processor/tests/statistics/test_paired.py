import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from data_processor.statistics.measures import Answers, Measure, prepare
from data_processor.statistics.paired import (
    FEWEST_ROWS,
    Comparison,
    compare_measured,
    compare_right,
    mcnemar,
    rows_needed,
    table,
)


@given(st.integers(0, 300), st.integers(0, 300))
def test_mcnemar_is_the_exact_binomial_test_of_the_discordant_rows(wins: int, losses: int) -> None:
    expected = stats.binomtest(wins, wins + losses, 0.5, "greater").pvalue if wins + losses else 1.0
    assert mcnemar(wins, losses) == pytest.approx(expected, rel=1e-9)


def test_mcnemar_gives_the_value_worked_out_by_hand() -> None:
    assert mcnemar(8, 2) == pytest.approx((45 + 10 + 1) / 2**10)


def test_the_table_counts_every_row_once() -> None:
    champion = np.array([True, True, False, False, False])
    challenger = np.array([True, False, True, True, False])
    counts = table(champion, challenger)
    assert (counts.both_right, counts.challenger_only, counts.champion_only, counts.both_wrong) == (
        1,
        2,
        1,
        1,
    )


def test_right_answers_are_compared_both_ways() -> None:
    champion = np.repeat([True, False, True, False], [300, 70, 28, 2])
    challenger = np.repeat([True, True, False, False], [300, 70, 28, 2])
    compared = compare_right(champion, challenger)
    assert compared.gain == pytest.approx(42 / 400)
    assert compared.discordance == pytest.approx(98 / 400)
    assert compared.p_better == mcnemar(70, 28)
    assert compared.p_worse == mcnemar(28, 70)


def _absolute_errors(seed: int, rows: int, spread: float) -> Measure:
    truth = np.zeros(rows)
    return prepare("mae", truth, Answers(values=np.random.default_rng(seed).normal(0, spread, rows)))


def test_the_bootstrap_agrees_with_the_t_test_on_a_mean() -> None:
    rows, rng = 500, np.random.default_rng(7)
    one, two = rng.normal(0, 1.0, rows), rng.normal(0, 0.93, rows)
    compared = compare_measured(
        "mae",
        prepare("mae", np.zeros(rows), Answers(values=one)),
        prepare("mae", np.zeros(rows), Answers(values=two)),
        rows=rows,
        alpha=0.025,
        seed=1,
    )
    expected = stats.ttest_rel(np.abs(one), np.abs(two), alternative="greater").pvalue
    assert compared.p_better == pytest.approx(expected, abs=0.02)
    assert compared.p_worse == pytest.approx(1 - expected, abs=0.02)
    spread = np.mean((np.abs(one) - np.abs(two)) ** 2)
    assert compared.discordance == pytest.approx(spread, rel=0.1)


def test_the_same_seed_gives_the_same_p_value() -> None:
    one, two = _absolute_errors(1, 200, 1.0), _absolute_errors(2, 200, 0.95)
    first, again, other = (
        compare_measured("mae", one, two, rows=200, alpha=0.025, seed=seed).p_better for seed in (3, 3, 4)
    )
    assert first == again != other


def test_a_level_too_fine_to_be_counted_can_still_be_reached() -> None:
    one, two = _absolute_errors(1, 2000, 2.0), _absolute_errors(2, 2000, 1.0)
    compared = compare_measured("mae", one, two, rows=2000, alpha=1e-5, seed=1)
    assert compared.p_better < 1e-5
    assert compared.p_worse > 0.99


def test_few_rows_prove_nothing_by_the_bootstrap() -> None:
    rows = FEWEST_ROWS - 1
    compared = compare_measured(
        "mae", _absolute_errors(1, rows, 9.0), _absolute_errors(2, rows, 0.1), rows=rows, alpha=0.025, seed=1
    )
    assert (compared.p_better, compared.p_worse) == (1.0, 1.0)


@pytest.mark.parametrize("alpha", [0.025, 1e-5])
def test_equal_answers_are_neither_better_nor_worse(alpha: float) -> None:
    one = _absolute_errors(1, 100, 1.0)
    compared = compare_measured("mae", one, one, rows=100, alpha=alpha, seed=1)
    assert (compared.gain, compared.p_better, compared.p_worse) == (0.0, 1.0, 1.0)


@pytest.mark.parametrize("alpha", [0.025, 1e-5])
def test_a_metric_without_a_value_proves_nothing(alpha: float) -> None:
    truth = np.full(50, "a", object)
    answers = Answers(labels=truth, probabilities=np.tile([0.9, 0.1], (50, 1)))
    one = prepare("roc_auc", truth, answers, ("a", "b"))
    compared = compare_measured("roc_auc", one, one, rows=50, alpha=alpha, seed=1)
    assert (compared.p_better, compared.p_worse) == (1.0, 1.0)
    assert rows_needed(compared, 50, 0.025) is None


def _compared(gain: float, discordance: float) -> Comparison:
    return Comparison(0.7, 0.7 + gain, gain, 0.2, 0.8, discordance)


def test_the_rows_needed_follow_the_formula() -> None:
    root = stats.norm.ppf(0.975) * math.sqrt(0.3) + stats.norm.ppf(0.8) * math.sqrt(0.3 - 0.0025)
    assert rows_needed(_compared(0.05, 0.3), 100, 0.025) == math.ceil((root / 0.05) ** 2)


def test_the_rows_needed_are_more_than_those_that_did_not_suffice() -> None:
    assert rows_needed(_compared(0.5, 0.5), 100, 0.025) == 101


@pytest.mark.parametrize("gain", [0.0, -0.1, math.nan])
def test_no_number_of_rows_proves_a_gain_that_is_not_there(gain: float) -> None:
    assert rows_needed(_compared(gain, 0.3), 100, 0.025) is None

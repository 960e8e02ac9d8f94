import math

import numpy as np
import pytest

from data_processor.models.policy import Policy
from data_processor.statistics.measures import Answers, SelectionMetric
from data_processor.statistics.paired import FEWEST_ROWS
from data_processor.statistics.slices import Slice, Terms, constant, finite

LABELS = np.array(["no", "no", "no", "yes"], object)


def test_whoever_always_answers_the_same_says_the_majority_class() -> None:
    said = constant(LABELS, Answers(labels=LABELS), ("no", "yes"))
    assert said.labels is not None
    assert said.probabilities is not None
    assert said.labels.tolist() == ["no"] * 4
    assert said.probabilities.tolist() == [[0.75, 0.25]] * 4


def test_whoever_always_answers_the_same_says_the_mean() -> None:
    said = constant(np.array([1.0, 2.0, 6.0]), Answers(values=np.zeros(3)))
    assert said.values is not None
    assert said.values.tolist() == [3.0] * 3


def test_a_slice_without_rows_is_described_as_empty() -> None:
    nothing = Answers(labels=LABELS[:0])
    report = Terms("accuracy", Policy(), ("no", "yes")).report(Slice(LABELS[:0], nothing, nothing))
    assert (report.rows, report.champion, report.challenger, report.pairs) == (0, None, None, None)


def test_a_slice_without_a_champion_shows_the_challenger() -> None:
    report = Terms("accuracy", Policy(), ("no", "yes")).report(
        Slice(LABELS, None, constant(LABELS, Answers(labels=LABELS)))
    )
    assert (report.champion, report.challenger, report.gain) == (None, 0.75, None)


def test_the_bootstrap_never_asks_for_fewer_rows_than_it_needs() -> None:
    terms, rng = Terms("mae", Policy(), ()), np.random.default_rng(1)
    rows = Slice(np.zeros(10), Answers(values=rng.normal(0, 2, 10)), Answers(values=rng.normal(0, 0.5, 10)))
    compared = terms.compare(rows, 0.025, 1)
    assert compared is not None
    assert compared.p_better == 1.0
    assert terms.rows_needed(compared, rows, 0.025) == FEWEST_ROWS


@pytest.mark.parametrize("groups", [None, np.arange(400) // 4])
@pytest.mark.parametrize("metric", ["rmse", "mae", "r2"])
def test_the_same_model_rounded_is_neither_better_nor_worse(
    metric: SelectionMetric, groups: np.ndarray | None
) -> None:
    rng = np.random.default_rng(1)
    truth = rng.normal(20_000, 5_000, 400)
    answered = truth + rng.normal(0, 1_000, 400)
    rounded = answered + (truth - answered) * 1e-7  # it happens that rounding helps every row
    rows = Slice(truth, Answers(values=answered), Answers(values=rounded), groups)
    terms = Terms(metric, Policy(), ())
    compared = terms.compare(rows, 0.025, 1)
    assert compared is not None
    assert compared.gain > 0
    assert min(compared.p_better, compared.p_worse) > 0.9
    assert terms.rows_needed(compared, rows, 0.025) is None


@pytest.mark.parametrize(("number", "shown"), [(0.5, 0.5), (math.nan, None), (math.inf, None)])
def test_what_is_no_number_is_shown_as_nothing(number: float, shown: float | None) -> None:
    assert finite(number) == shown


def test_some_rows_of_a_slice_are_answered_and_grouped_as_before() -> None:
    truth = np.array(["a", "b", "a"], object)
    answers = Answers(labels=truth[::-1], probabilities=np.eye(3))
    some = Slice(truth, None, answers, np.array([1.0, 2.0, 2.0])).take(np.array([True, False, True]))
    assert some.champion is None
    assert some.labels.tolist() == ["a", "a"]
    assert np.array_equal(some.challenger.labels, ["a", "a"])  # type: ignore[arg-type]
    assert np.array_equal(some.challenger.probabilities, [[1, 0, 0], [0, 0, 1]])  # type: ignore[arg-type]
    assert np.array_equal(some.groups, [1.0, 2.0])  # type: ignore[arg-type]

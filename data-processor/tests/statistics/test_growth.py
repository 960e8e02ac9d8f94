import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from data_processor.statistics.growth import growth


def test_the_interval_is_students_for_the_mean_difference() -> None:
    rng = np.random.default_rng(1)
    before, after = rng.normal(10, 1, 10), rng.normal(13, 1, 10)
    found = growth(before, after)
    expected = stats.ttest_rel(after, before).confidence_interval(0.95)

    assert (found.low, found.high) == pytest.approx(
        (expected.low / before.mean(), expected.high / before.mean())
    )
    assert found.flagged


def test_more_comparisons_make_it_wider() -> None:
    rng = np.random.default_rng(1)
    before, after = rng.normal(10, 1, 10), rng.normal(12, 1, 10)
    one, three = growth(before, after), growth(before, after, 3)

    assert three.low < one.low < one.high < three.high


@pytest.mark.parametrize(
    ("after", "flagged"),
    [
        (np.full(10, 10.9), False),  # sure, and not worth a word
        (np.full(10, 11.1), True),
        (np.r_[np.full(9, 10.0), 40.0], False),  # one fold alone
        (np.full(10, 5.0), False),
    ],
)
def test_a_loss_is_flagged_that_grows_surely_and_by_a_tenth(
    after: NDArray[np.float64], flagged: bool
) -> None:
    assert growth(np.full(10, 10.0), after).flagged is flagged


def test_a_loss_of_nothing_grows_by_nothing_that_can_be_said() -> None:
    assert not growth(np.zeros(10), np.ones(10)).flagged

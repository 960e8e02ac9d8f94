"""Curves are thinned for drawing without losing their ends or their extremes."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from data_processor.training.live.views import thinned

values = st.lists(st.none() | st.floats(-1e6, 1e6), min_size=1, max_size=400).map(
    lambda found: list(enumerate(found, 1))
)


@given(values, st.integers(10, 500))
def test_ends_and_extremes_stay(numbered: list[tuple[int, float | None]], points: int) -> None:
    kept = thinned(numbered, points)
    assert kept == sorted(set(kept))
    assert {numbered[0][0], numbered[-1][0]} <= set(kept)
    known = [value for _, value in numbered if value is not None]
    if known:
        shown = [value for number, value in numbered if number in set(kept) and value is not None]
        assert (min(shown), max(shown)) == (min(known), max(known))


@given(values, st.integers(10, 500))
def test_no_more_are_kept_than_were_asked_for(numbered: list[tuple[int, float | None]], points: int) -> None:
    assert len(thinned(numbered, points)) <= points


def test_few_values_all_stay() -> None:
    assert thinned([(3, None), (4, 1.0)], 10) == [3, 4]


def test_what_epochs_are_compared_by_is_known_from_the_beginning(live: Any) -> None:
    found = live.views.read(live.start())
    assert (found.state, found.metric, found.lower_is_better) == ("waiting", "log_loss", True)

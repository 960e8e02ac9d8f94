import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_processor.datasets.exploration.distributions import (
    BARS,
    LISTED,
    NOWHERE,
    Placed,
    counts,
    histogram,
    periods,
    statistics,
)
from data_processor.datasets.exploration.schemas import Counts, Histogram, Periods

ANY_NUMBER = st.floats(width=64) | st.integers(-(10**6), 10**6).map(float)


def of_numbers(*values: float) -> Histogram:
    placed = histogram(np.array(values, np.float64))
    assert placed is not None
    assert isinstance(placed.distribution, Histogram)
    return placed.distribution


def of_timestamps(*values: str) -> Periods:
    placed = periods(pd.Series(pd.to_datetime(list(values), format="ISO8601")))
    assert placed is not None
    assert isinstance(placed.distribution, Periods)
    return placed.distribution


@given(st.lists(ANY_NUMBER, min_size=1, max_size=60))
def test_every_number_is_counted_once_or_has_no_place(values: list[float]) -> None:
    numbers = np.array(values, np.float64)
    placed = histogram(numbers)
    if placed is None:
        known = numbers[np.isfinite(numbers)]
        assert len(known) == 0 or np.abs(known).max() > 1e200
        return
    found = placed.distribution
    assert isinstance(found, Histogram)
    assert len(found.edges) == len(found.counts) + 1
    assert len(found.counts) <= BARS
    assert all(low < high for low, high in zip(found.edges, found.edges[1:], strict=False))
    assert sum(found.counts) + found.below + found.above == np.isfinite(numbers).sum()
    for number, bar in zip(numbers, placed.bars, strict=True):
        if bar == NOWHERE:
            assert not np.isfinite(number) or number < found.edges[0] or number > found.edges[-1]
        else:
            assert found.edges[bar] <= number <= found.edges[bar + 1]
    json.loads(json.dumps(found.model_dump(), allow_nan=False))


@given(st.lists(ANY_NUMBER, max_size=30))
def test_figures_are_numbers_that_json_can_say(values: list[float]) -> None:
    found = statistics(np.array(values, np.float64))
    if found is not None:
        json.dumps(found.model_dump(), allow_nan=False)


def test_each_whole_number_has_its_bar_if_there_are_few() -> None:
    found = of_numbers(1, 2, 2, 4)
    assert (found.edges, found.counts, found.whole) == ([0.5, 1.5, 2.5, 3.5, 4.5], [1, 2, 0, 1], True)


def test_bars_of_whole_numbers_are_all_as_wide() -> None:
    """Ages from 17 to 90 in bars of 2.43 would look like a comb."""
    found = of_numbers(*range(17, 91))
    assert set(found.counts[:-1]) == {3}


def test_extreme_numbers_do_not_squeeze_the_others_into_one_bar() -> None:
    found = of_numbers(*np.linspace(0, 1, 1_000), 1e6)
    assert found.edges[-1] < 2
    assert found.above >= 1
    assert sum(found.counts) + found.below + found.above == 1_001


def test_ends_that_are_not_far_away_keep_their_bars() -> None:
    found = of_numbers(*np.linspace(0, 1, 1_000))
    assert (found.below, found.above) == (0, 0)


def test_the_most_frequent_values_come_first_and_the_rest_is_summed_up() -> None:
    values = pd.Series(["b", "b", "a", None, *(f"x{n:02}" for n in range(30))], dtype="str")
    placed = counts(values)
    assert placed is not None
    found = placed.distribution
    assert isinstance(found, Counts)
    assert found.labels[:3] == ["b", "a", "x00"]
    assert len(found.labels) == LISTED
    assert (found.others, found.other_values) == (12, 12)
    assert placed.bars[:4].tolist() == [0, 0, 1, NOWHERE]
    assert placed.bars[-1] == NOWHERE


@pytest.mark.parametrize(
    ("first", "last", "unit", "begins"),
    [
        (
            "2026-01-01T10:05:00",
            "2026-01-01T12:00:00",
            "hour",
            ["2026-01-01T10:00:00", "2026-01-01T11:00:00"],
        ),
        ("2026-01-30", "2026-02-01", "day", ["2026-01-30", "2026-01-31"]),
        ("2025-11-30", "2026-05-01", "month", ["2025-11-01", "2025-12-01"]),
        ("2016-02-01", "2026-05-01", "quarter", ["2016-01-01", "2016-04-01"]),
        ("1980-02-01", "2026-05-01", "year", ["1980-01-01", "1981-01-01"]),
    ],
)
def test_dates_are_counted_in_periods_of_the_calendar(
    first: str, last: str, unit: str, begins: list[str]
) -> None:
    shown = of_timestamps(first, last)
    assert shown.unit == unit
    assert shown.starts[:2] == begins
    assert (shown.counts[0], shown.counts[-1], sum(shown.counts)) == (1, 1, 2)


def test_centuries_are_counted_in_periods_of_some_years() -> None:
    shown = of_timestamps("1500-01-01", "2026-01-01")
    assert (shown.unit, shown.step) == ("year", 9)
    assert shown.starts[:2] == ["1500-01-01", "1509-01-01"]
    assert len(shown.counts) <= 60


@given(st.lists(st.datetimes() | st.none(), min_size=1, max_size=20))
def test_any_dates_are_counted(timestamps: list[Any]) -> None:
    texts = [
        None if timestamp is None else timestamp.isoformat(timespec="seconds") for timestamp in timestamps
    ]
    placed = periods(pd.to_datetime(pd.Series(texts, dtype="str"), format="ISO8601", errors="coerce"))
    known = sum(timestamp is not None for timestamp in timestamps)
    assert (placed is None) == (known == 0)
    if placed is not None:
        assert sum(placed.distribution.counts) == known
        assert len(placed.distribution.counts) <= 61
        assert (placed.bars == NOWHERE).sum() == len(timestamps) - known


def test_nothing_is_shown_of_a_column_without_values() -> None:
    nothing: list[Placed | None] = [
        histogram(np.array([np.nan, np.inf])),
        counts(pd.Series([None], dtype="str")),
        periods(pd.to_datetime(pd.Series([None], dtype="str"))),
    ]
    assert nothing == [None, None, None]
    assert statistics(np.array([np.nan])) is None

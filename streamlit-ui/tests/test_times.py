from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamlit_ui.times import ago, between, duration, timestamp, when

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


OFFSETS = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=OFFSETS))  # noqa: DTZ001  # bounds have none
def test_a_timestamp_is_the_same_in_utc(at: datetime) -> None:
    assert timestamp(at.isoformat()) == at


@pytest.mark.parametrize("text", [None, "", "yesterday", "2026-13-45", "0001-01-01T00:00:00+10:00"])
def test_what_is_no_time_is_none(text: str | None) -> None:
    assert timestamp(text) is None
    assert when(text) == "–"
    assert ago(text) == "–"


def test_a_time_without_a_zone_is_utc() -> None:
    assert when("2026-03-01T07:05:00") == "1 Mar 2026, 07:05 UTC"


@pytest.mark.parametrize(
    ("past", "shown"),
    [
        (timedelta(seconds=-30), "just now"),
        (timedelta(seconds=4), "just now"),
        (timedelta(seconds=59), "59 seconds ago"),
        (timedelta(minutes=1), "1 minute ago"),
        (timedelta(hours=3, minutes=59), "3 hours ago"),
        (timedelta(days=6), "6 days ago"),
        (timedelta(days=7), "22 Feb 2026, 12:00 UTC"),
    ],
)
def test_the_past_is_told_in_one_unit(past: timedelta, shown: str) -> None:
    assert ago((NOW - past).isoformat(), NOW) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (None, "–"),
        (0.000011, "11 µs"),
        (0.00127, "1.27 ms"),
        (0.0999, "0.1 s"),
        (9.96, "10.0 s"),
        (59, "59 s"),
        (200, "3 min 20 s"),
        (7_290, "2 h 1 min"),
    ],
)
def test_durations_have_at_most_two_units(seconds: float | None, shown: str) -> None:
    assert duration(seconds) == shown


def test_a_span_ends_now_while_it_is_open() -> None:
    assert between("2026-03-01T11:59:00Z", None, NOW) == 60
    assert between("2026-03-01T11:00:00Z", "2026-03-01T11:00:07Z", NOW) == 7
    assert between(None, "2026-03-01T11:00:07Z") is None

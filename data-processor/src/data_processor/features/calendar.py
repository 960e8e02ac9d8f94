"""What a model sees of a moment: its place in the calendar, as numbers that are exact in 32-bit floats.

Training and serving turn moments into numbers here, before any model: ONNX never meets a date. Moments are
in UTC, as the rows' hash has them (`features/holdout.py`), and one without a zone counts as UTC. Two moments
that are at least 4 microseconds apart differ in some feature: what the hash tells apart, a model can.
"""

import datetime as dt
import math

FEATURES = ("year", "month", "day", "weekday", "day_of_year", "days", "hour", "minute", "second")
"""Weekdays count from 0 (Monday), `days` from 1970-01-01: what a trend needs."""
MISSING_MOMENT = (math.nan,) * len(FEATURES)

_EPOCH = dt.date(1970, 1, 1).toordinal()


def read_moment(text: str) -> dt.datetime:
    """Return the moment that an ISO 8601 text names, in UTC; raises `ValueError`."""
    moment = dt.datetime.fromisoformat(text)
    try:
        return moment.replace(tzinfo=dt.UTC) if moment.tzinfo is None else moment.astimezone(dt.UTC)
    except OverflowError as error:
        raise ValueError(f"{text!r} is outside the years 1 to 9999.") from error


def features_of(moment: dt.datetime) -> tuple[float, ...]:
    """Return a moment's features, in the order of `FEATURES`."""
    day = moment.toordinal()
    return (
        moment.year,
        moment.month,
        moment.day,
        moment.weekday(),
        day - dt.date(moment.year, 1, 1).toordinal() + 1,
        day - _EPOCH,
        moment.hour,
        moment.minute,
        moment.second + moment.microsecond / 1e6,
    )


def calendar_of(value: object) -> tuple[float, ...]:
    """Return the features of whatever stands in a datetime column; what is no moment is missing."""
    if not isinstance(value, str):
        return MISSING_MOMENT
    try:
        return features_of(read_moment(value))
    except ValueError:
        return MISSING_MOMENT


def feature_name(column: str, feature: str) -> str:
    """Return what a feature is called in the frame that a pipeline takes: like no column of a table."""
    return f"loopkeeper:{column}:{feature}"

"""What a model sees of a timestamp: its place in the calendar, as numbers that are exact in 32-bit floats.

Training and serving turn timestamps into numbers here, before any model: ONNX never sees a date. Timestamps
are in UTC, as the rows' hash has them (`features/holdout.py`), and one without a zone counts as UTC. Two that
are at least 4 microseconds apart differ in some feature: what the hash tells apart, a model can.
"""

import datetime as dt
import math

FEATURES = ("year", "month", "day", "weekday", "day_of_year", "days", "hour", "minute", "second")
"""Weekdays count from 0 (Monday), `days` from 1970-01-01: what a trend needs."""
MISSING_TIMESTAMP = (math.nan,) * len(FEATURES)

_EPOCH = dt.date(1970, 1, 1).toordinal()


def parse_timestamp(text: str) -> dt.datetime:
    """Return the timestamp that an ISO 8601 text names, in UTC; raises `ValueError`."""
    parsed = dt.datetime.fromisoformat(text)
    try:
        return parsed.replace(tzinfo=dt.UTC) if parsed.tzinfo is None else parsed.astimezone(dt.UTC)
    except OverflowError as error:
        raise ValueError(f"{text!r} is outside the years 1 to 9999.") from error


def features_of(timestamp: dt.datetime) -> tuple[float, ...]:
    """Return a timestamp's features, in the order of `FEATURES`."""
    day = timestamp.toordinal()
    return (
        timestamp.year,
        timestamp.month,
        timestamp.day,
        timestamp.weekday(),
        day - dt.date(timestamp.year, 1, 1).toordinal() + 1,
        day - _EPOCH,
        timestamp.hour,
        timestamp.minute,
        timestamp.second + timestamp.microsecond / 1e6,
    )


def calendar_of(value: object) -> tuple[float, ...]:
    """Return the features of any value of a datetime column; what is not a timestamp is missing."""
    if not isinstance(value, str):
        return MISSING_TIMESTAMP
    try:
        return features_of(parse_timestamp(value))
    except ValueError:
        return MISSING_TIMESTAMP


def feature_name(column: str, feature: str) -> str:
    """Return what a feature is called in the frame that a pipeline takes: like no column of a table."""
    return f"loopkeeper:{column}:{feature}"

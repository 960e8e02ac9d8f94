import datetime as dt
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_processor.datasets.inference import infer_schema, observed
from data_processor.features import holdout
from data_processor.features.calendar import FEATURES, calendar_of, features_of, parse_timestamp
from data_processor.features.packing import MISSING, pack, pack_rows, unpack
from data_processor.features.schema import Column, Schema

SCHEMA = Schema(
    task="tabular-regression",
    target="price",
    columns=(
        Column(name="sold", kind="datetime", calendar=FEATURES),
        Column(name="size", kind="numeric"),
        Column(name="district", kind="categorical"),
        Column(name="price", kind="numeric"),
    ),
)
OLD = SCHEMA.model_copy(
    update={"columns": tuple(column.model_copy(update={"calendar": ()}) for column in SCHEMA.columns)}
)
BEGINNING = dt.datetime(1, 1, 3, tzinfo=dt.UTC)
timestamps = st.builds(
    lambda seconds, zone: (BEGINNING + dt.timedelta(seconds=seconds)).astimezone(zone),
    st.integers(0, 315_537_000_000),
    st.timezones(),
) | st.integers(0, 315_537_000_000).map(
    lambda seconds: (BEGINNING + dt.timedelta(seconds=seconds)).replace(tzinfo=None)
)


def test_a_timestamp_is_its_place_in_the_calendar() -> None:
    found = dict(zip(FEATURES, calendar_of("2024-02-29T13:45:30.5"), strict=True))
    assert found == {
        "year": 2024,
        "month": 2,
        "day": 29,
        "weekday": 3,
        "day_of_year": 60,
        "days": 19782,
        "hour": 13,
        "minute": 45,
        "second": 30.5,
    }


def test_zones_are_brought_to_utc_and_days_begin_at_midnight() -> None:
    assert calendar_of("2025-01-01T00:30:00+01:00") == calendar_of("2024-12-31T23:30:00Z")
    assert calendar_of("2025-01-01") == calendar_of("2025-01-01T00:00:00+00:00")


@given(timestamps)
def test_a_models_numbers_lose_nothing_of_a_timestamp(timestamp: dt.datetime) -> None:
    features = np.array(features_of(parse_timestamp(timestamp.isoformat())), np.float32)
    days, hour, minute, second = (float(features[FEATURES.index(name)]) for name in FEATURES[-4:])
    again = dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(
        days=days, hours=hour, minutes=minute, seconds=second
    )
    assert again == (timestamp if timestamp.tzinfo else timestamp.replace(tzinfo=dt.UTC))


@given(timestamps, timestamps)
def test_what_a_model_cannot_tell_apart_is_held_out_alike(one: dt.datetime, other: dt.datetime) -> None:
    rows = [{"sold": one.isoformat()}, {"sold": other.isoformat()}]
    numeric = pack_rows(rows, SCHEMA).numeric
    at = [holdout.position(row, SCHEMA.inputs, "salt") for row in rows]
    assert np.array_equal(numeric[0], numeric[1], equal_nan=True) == (at[0] == at[1])


@pytest.mark.parametrize("value", ["soon", "", MISSING, "2025-13-01", "0001-01-01T00:00:00+14:00", None, 7])
def test_what_is_not_a_timestamp_is_missing(value: object) -> None:
    assert np.isnan(calendar_of(value)).all()


def test_timestamps_stand_behind_the_numbers_and_rows_and_frames_pack_alike() -> None:
    rows: list[dict[str, Any]] = [
        {"sold": "2025-06-01", "size": 80.0, "district": "north"},
        {"sold": None, "size": None},
    ]
    frame = pd.DataFrame(rows).astype({"sold": "str", "district": "str"})
    packed = pack_rows(rows, SCHEMA)

    assert (packed.numeric.shape, packed.strings.shape) == ((2, 1 + len(FEATURES)), (2, 1))
    assert packed.numeric[0, :4].tolist() == [80, 2025, 6, 1]
    np.testing.assert_array_equal(packed.numeric, pack(frame, SCHEMA).numeric)
    unpacked = unpack(packed, SCHEMA)
    np.testing.assert_array_equal(packed.numeric, pack(unpacked, SCHEMA).numeric)
    np.testing.assert_array_equal(packed.strings, pack(unpacked, SCHEMA).strings)


def test_an_older_version_still_gets_its_timestamps_as_texts() -> None:
    rows = [{"sold": "2025-06-01", "size": 80.0, "district": "north"}]
    packed = pack_rows(rows, OLD)
    assert packed.numeric.tolist() == [[80.0]]
    assert packed.strings.tolist() == [["2025-06-01", "north"]]
    # A newer version's rows are unpacked without the text, which such a version never looked at.
    again = pack(unpack(pack_rows(rows, SCHEMA), SCHEMA), OLD)
    assert again.numeric.tolist() == [[80.0]]
    assert again.strings.tolist() == [[MISSING, "north"]]


def test_the_schema_of_a_table_says_what_a_model_sees_of_its_timestamps() -> None:
    frame = pd.DataFrame({"sold": ["2025-06-01", "2024-06-01"] * 20, "price": np.arange(40.0)})
    schema = infer_schema(frame, "price", kinds={"sold": "datetime"})
    assert schema.columns[0].calendar == FEATURES
    assert schema.columns[0].default_value == "2025-06-01"
    assert observed(schema, frame, calendar=False).columns[0].calendar == ()

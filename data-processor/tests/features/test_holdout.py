import datetime as dt
import math
import unicodedata
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from data_processor.features.holdout import (
    EXACT,
    HOLDOUT,
    VALIDATION_FROM,
    canonical_row,
    folds,
    for_validation,
    on_holdout,
    position,
    positions,
)
from data_processor.features.schema import Column, Schema

SCHEMA = Schema(
    task="tabular-classification",
    target="income",
    columns=(
        Column(name="age", kind="numeric"),
        Column(name="id", kind="identifier"),
        Column(name="work", kind="categorical"),
        Column(name="weight", kind="ignored"),
        Column(name="essay", kind="text"),
        Column(name="at", kind="datetime"),
        Column(name="income", kind="categorical"),
    ),
    classes=("no", "yes"),
)
INPUTS = SCHEMA.inputs

numbers = st.one_of(
    st.none(), st.integers(-(2**60), 2**60), st.floats(allow_nan=True, allow_infinity=True), st.booleans()
)
texts = st.one_of(st.none(), st.just(math.nan), st.text(max_size=12))
timestamps = st.one_of(
    st.none(),
    st.datetimes(dt.datetime(1970, 1, 2), dt.datetime(2200, 1, 1)),  # noqa: DTZ001  # the strategy wants naive bounds
    st.datetimes(
        dt.datetime(1970, 1, 2),  # noqa: DTZ001  # as above
        dt.datetime(2200, 1, 1),  # noqa: DTZ001  # as above
        timezones=st.just(dt.timezone(dt.timedelta(hours=3))),
    ),
    st.text(max_size=12),
)
rows = st.fixed_dictionaries({"age": numbers, "work": texts, "essay": texts, "at": timestamps})
salts = st.text(max_size=80)


def _model_sees(row: dict[str, Any]) -> tuple[Any, ...]:
    """What reaches the model of the non-temporal inputs, written independently of the code under test."""
    age = row["age"]
    largest = np.finfo(np.float32).max
    number = np.float32(np.clip(np.nan if age is None else float(age), -largest, largest))
    seen = "missing" if np.isnan(number) else float(number)
    texts = ["nan" if v is None or v != v else v for v in (row["work"], row["essay"])]  # noqa: PLR0124  # NaN
    return (seen, *texts)


@given(rows, rows)
def test_rows_are_equal_exactly_when_the_model_cannot_tell_them_apart(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    one["at"] = other["at"] = None
    same = canonical_row(one, INPUTS) == canonical_row(other, INPUTS)
    assert same == (_model_sees(one) == _model_sees(other))


@given(rows, salts, st.randoms())
def test_the_order_of_keys_does_not_matter(row: dict[str, Any], salt: str, random: Any) -> None:
    items = list(row.items())
    random.shuffle(items)
    assert position(dict(items), INPUTS, salt) == position(row, INPUTS, salt)


@given(rows, salts)
def test_the_order_of_columns_in_the_schema_does_not_matter(row: dict[str, Any], salt: str) -> None:
    assert position(row, INPUTS[::-1], salt) == position(row, INPUTS, salt)


others = st.fixed_dictionaries(
    {
        "id": st.integers(),
        "weight": st.floats(),
        "income": st.sampled_from(["no", "yes"]),
        "unknown": st.text(),
    }
)


@given(rows, salts, others)
def test_target_identifier_and_ignored_columns_do_not_matter(
    row: dict[str, Any], salt: str, other: dict[str, Any]
) -> None:
    assert position({**row, **other}, INPUTS, salt) == position(row, INPUTS, salt)


@given(rows, salts)
def test_missing_none_and_nan_are_the_same_input(row: dict[str, Any], salt: str) -> None:
    for name in row:
        without = {key: value for key, value in row.items() if key != name}
        expected = position(without, INPUTS, salt)
        for missing in (None, math.nan, np.float32("nan"), pd.NA, pd.NaT):
            assert position({**row, name: missing}, INPUTS, salt) == expected


@given(st.integers(-(2**24), 2**24))
def test_a_number_is_the_same_whatever_type_holds_it(value: int) -> None:
    expected = canonical_row({"age": value}, INPUTS)
    for kind in (float, np.int32, np.int64, np.float32, np.float64, str):
        assert canonical_row({"age": kind(value)}, INPUTS) == expected


def test_negative_zero_is_zero() -> None:
    assert canonical_row({"age": -0.0}, INPUTS) == canonical_row({"age": 0}, INPUTS)


@given(rows, salts)
def test_a_column_added_later_moves_no_row_that_lacks_it(row: dict[str, Any], salt: str) -> None:
    wider = (*INPUTS, Column(name="aaa", kind="numeric"), Column(name="zzz", kind="text"))
    assert position(row, wider, salt) == position(row, INPUTS, salt)


@given(st.text(min_size=1, max_size=6), st.text(max_size=6), st.text(max_size=6))
def test_text_cannot_move_from_one_column_to_the_next(moved: str, work: str, essay: str) -> None:
    assume("nan" not in (work, essay, work + moved, moved + essay))
    assume((work + moved, essay) != (work, moved + essay))
    left = canonical_row({"work": work + moved, "essay": essay}, INPUTS)
    right = canonical_row({"work": work, "essay": moved + essay}, INPUTS)
    assert left != right


@given(st.text(max_size=8))
def test_unicode_is_not_normalised(text: str) -> None:
    composed, decomposed = (unicodedata.normalize(form, text) for form in ("NFC", "NFD"))
    same = canonical_row({"work": composed}, INPUTS) == canonical_row({"work": decomposed}, INPUTS)
    assert same == (composed == decomposed)


def test_a_lone_surrogate_is_hashed_like_any_text() -> None:
    assert canonical_row({"work": "\ud800"}, INPUTS) != canonical_row({"work": "\ud801"}, INPUTS)


@pytest.mark.parametrize("code", [3, 3.0, np.int64(3), np.float32(3), "3"])
def test_a_code_in_a_column_of_texts_is_the_same_however_the_table_held_it(code: Any) -> None:
    assert canonical_row({"work": code}, INPUTS) == canonical_row({"work": "3"}, INPUTS)


@pytest.mark.parametrize(
    "same",
    [
        "2024-05-01",
        "2024-05-01T00:00:00Z",
        "2024-05-01T02:00:00+02:00",
        dt.date(2024, 5, 1),
        dt.datetime(2024, 5, 1, tzinfo=dt.UTC),
        pd.Timestamp("2024-05-01"),
        np.datetime64("2024-05-01"),
    ],
)
def test_a_timestamp_is_the_same_however_it_is_written(same: Any) -> None:
    expected = canonical_row({"at": dt.datetime(2024, 5, 1)}, INPUTS)  # noqa: DTZ001  # naive means UTC
    assert canonical_row({"at": same}, INPUTS) == expected


def test_a_numeric_column_without_a_number_is_named() -> None:
    with pytest.raises(ValueError, match="Column 'age' is numeric and cannot hold 'old'"):
        canonical_row({"age": "old"}, INPUTS)
    with pytest.raises(ValueError, match="Column 'age'"):
        positions(pd.DataFrame({"age": ["old"]}), INPUTS, "salt")


@given(
    st.lists(rows, max_size=8),
    st.one_of(salts, salts.map(EXACT.__add__)),
    st.sampled_from(["object", "inferred", "absent"]),
)
def test_frame_and_single_rows_agree(many: list[dict[str, Any]], salt: str, how: str) -> None:
    frame = pd.DataFrame(many, columns=["age", "work", "essay", "at"], dtype=object)
    if how == "inferred":
        frame["age"] = [math.nan if r["age"] is None else float(r["age"]) for r in many]
        frame["age"] = frame["age"].astype("float64")
    if how == "absent":
        frame = frame.drop(columns="work")
        many = [{key: value for key, value in row.items() if key != "work"} for row in many]
    expected = [position(row, INPUTS, salt) for row in many]
    assert positions(frame, INPUTS, salt).tolist() == expected


@pytest.mark.parametrize("dtype", ["Int64", "Float64", "float32", "int16", "object"])
def test_a_frame_may_hold_numbers_in_any_dtype(dtype: Any) -> None:
    frame = pd.DataFrame({"age": pd.array([39, 17], dtype=dtype)})
    assert positions(frame, INPUTS, "s").tolist() == [position({"age": age}, INPUTS, "s") for age in (39, 17)]


@pytest.mark.parametrize("dtype", ["category", "string", "object"])
def test_a_frame_may_hold_texts_in_any_dtype(dtype: Any) -> None:
    frame = pd.DataFrame({"work": pd.Series(["a", None, "b"]).astype(dtype)})
    assert positions(frame, INPUTS, "s").tolist() == [
        position({"work": w}, INPUTS, "s") for w in ("a", None, "b")
    ]


@given(st.lists(rows, min_size=1, max_size=20), salts)
def test_equal_inputs_are_never_on_two_sides_nor_in_two_folds(many: list[dict[str, Any]], salt: str) -> None:
    frame = pd.DataFrame([*many, *many[::-1]], columns=["age", "work", "essay", "at"], dtype=object)
    at = positions(frame, INPUTS, salt)
    n = len(many)
    for side in (on_holdout(at), for_validation(at), folds(at)):
        assert side[:n].tolist() == side[n:][::-1].tolist()


def _uniform_frame(rows: int) -> pd.DataFrame:
    return pd.DataFrame({"age": np.arange(rows), "work": "Private", "essay": None, "at": None})


def test_positions_are_uniform_and_folds_independent_of_the_side() -> None:
    at = positions(_uniform_frame(20_000), INPUTS, "salt")
    assert abs(on_holdout(at).mean() - HOLDOUT) < 0.01
    assert abs(for_validation(at).mean() - (1 - VALIDATION_FROM)) < 0.011
    for side in (on_holdout(at), for_validation(at), ~on_holdout(at)):
        shares = np.bincount(folds(at[side]), minlength=5) / side.sum()
        assert np.abs(shares - 0.2).max() < 0.02


def test_another_salt_holds_out_other_rows() -> None:
    frame = _uniform_frame(5_000)
    one, other = (on_holdout(positions(frame, INPUTS, salt)) for salt in ("one", "other"))
    assert abs((one & other).mean() - HOLDOUT**2) < 0.02


def test_the_sides_of_a_model_never_change() -> None:
    """These numbers are what keeps rows held out across releases: they must not change."""
    row = {"age": 39, "work": "State-gov", "essay": "é", "at": "2024-05-01"}
    assert position(row, INPUTS, "salt") == 0.4660744047174673
    assert position({}, INPUTS, "salt") == 0.5279941989601146


def test_a_model_with_exact_salt_tells_numbers_apart_by_their_values() -> None:
    instants = [1_700_000_000_000 + ms for ms in range(100)]
    frame = pd.DataFrame({"age": instants})
    assert len(set(positions(frame, INPUTS, "salt"))) == 1, "to a 32-bit float they are one number"
    assert len(set(positions(frame, INPUTS, f"{EXACT}salt"))) == len(instants)


@given(st.floats(allow_nan=False, allow_infinity=False, width=32))
def test_a_32_bit_float_is_the_decimal_that_is_written_for_it(single: float) -> None:
    written = float(str(np.float32(single)))
    stored, sent = ({"age": value} for value in (single, written))
    assert position(stored, INPUTS, f"{EXACT}salt") == position(sent, INPUTS, f"{EXACT}salt")


@given(st.floats(0.001, 1e6))
def test_what_arithmetic_leaves_behind_moves_no_row(value: float) -> None:
    number = float(f"{value:.12g}")
    near = {"age": math.nextafter(number, math.inf)}
    assert position(near, INPUTS, f"{EXACT}salt") == position({"age": number}, INPUTS, f"{EXACT}salt")


@given(st.floats(allow_nan=False, allow_infinity=False, width=32))
def test_numbers_that_32_bits_hold_are_hashed_alike_in_either_form(single: float) -> None:
    row = {"age": single}
    assert canonical_row(row, INPUTS) == canonical_row(row, INPUTS, exact=True)

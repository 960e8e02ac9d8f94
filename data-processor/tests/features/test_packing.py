import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_processor.features import holdout
from data_processor.features.packing import MISSING, pack, pack_rows, unpack
from data_processor.features.schema import Column, Schema

SCHEMA = Schema(
    task="tabular-classification",
    target="answer",
    columns=(
        Column(name="job", kind="categorical"),
        Column(name="age", kind="numeric"),
        Column(name="id", kind="ignored"),
        Column(name="pay", kind="numeric"),
        Column(name="answer", kind="categorical"),
    ),
    classes=("no", "yes"),
)

rows = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "age": st.none() | st.floats() | st.integers(),
            "pay": st.none() | st.floats(allow_nan=False),
            "job": st.none() | st.text(),
            "id": st.text(),
        },
    ),
    max_size=8,
)


@given(rows)
def test_rows_and_frames_pack_to_the_same_blocks(given_rows: list[dict[str, Any]]) -> None:
    frame = pd.DataFrame(
        {
            "age": pd.Series([float(r["age"]) if r.get("age") is not None else np.nan for r in given_rows]),
            "pay": pd.Series([r.get("pay", np.nan) for r in given_rows], dtype="float64"),
            "job": pd.Series([r.get("job") for r in given_rows], dtype=object),
        }
    )

    from_rows, from_frame = pack_rows(given_rows, SCHEMA), pack(frame, SCHEMA)

    np.testing.assert_array_equal(from_rows.numeric, from_frame.numeric)
    np.testing.assert_array_equal(from_rows.strings, from_frame.strings)


@given(rows)
def test_numbers_are_finite_or_missing_and_texts_are_texts(given_rows: list[dict[str, Any]]) -> None:
    packed = pack_rows(given_rows, SCHEMA)

    assert packed.numeric.shape == (len(given_rows), 2)
    assert packed.strings.shape == (len(given_rows), 1)
    assert not np.isinf(packed.numeric).any()
    assert all(isinstance(value, str) for value in packed.strings.ravel())


@given(rows)
def test_unpacking_and_packing_again_changes_nothing(given_rows: list[dict[str, Any]]) -> None:
    packed = pack_rows(given_rows, SCHEMA)

    again = pack(unpack(packed, SCHEMA), SCHEMA)

    np.testing.assert_array_equal(packed.numeric, again.numeric)
    np.testing.assert_array_equal(packed.strings, again.strings)


@pytest.mark.parametrize("absent", [None, float("nan"), np.nan, pd.NA, pd.NaT, np.float64("nan")])
def test_every_way_to_be_missing_is_the_same_missing_text(absent: object) -> None:
    assert pack_rows([{"job": absent}], SCHEMA).strings[0, 0] == MISSING


def test_a_code_read_as_a_float_is_the_text_of_the_whole_number() -> None:
    assert pack_rows([{"job": 39.0}, {"job": 39}], SCHEMA).strings.ravel().tolist() == ["39", "39"]


def test_the_numeric_columns_stand_in_table_order_and_nothing_else_is_among_them() -> None:
    packed = pack_rows([{"pay": 2, "age": 1, "id": "x", "answer": "yes", "other": 3}], SCHEMA)

    assert packed.numeric.tolist() == [[1.0, 2.0]]
    assert packed.strings.tolist() == [[MISSING]]


def test_a_number_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="could not convert"):
        pack_rows([{"age": "old"}], SCHEMA)


def test_the_missing_text_is_the_one_that_rows_are_hashed_with() -> None:
    assert MISSING == holdout.MISSING_TEXT


@given(rows)
def test_rows_that_pack_alike_are_held_out_alike(given_rows: list[dict[str, Any]]) -> None:
    finite = [
        {k: v for k, v in row.items() if k in ("job", "age")} for row in json.loads(json.dumps(given_rows))
    ]
    packed = pack_rows(finite, SCHEMA)
    at = [holdout.position(row, SCHEMA.inputs, "salt") for row in finite]

    for i in range(len(finite)):
        for j in range(i):
            alike = np.array_equal(packed.numeric[i], packed.numeric[j], equal_nan=True)
            if alike and packed.strings[i, 0] == packed.strings[j, 0] and abs(packed.numeric[i, 0]) < 1e38:
                assert at[i] == at[j]

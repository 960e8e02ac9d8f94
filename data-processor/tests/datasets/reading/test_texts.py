"""Columns that are read as a whole are read as their cells are one by one, and kept without a loss."""

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_processor.datasets.reading.texts import Seen, trimmed, typed
from data_processor.features.packing import text
from data_processor.features.reading import Reading, parser

READINGS = st.one_of(
    st.builds(
        Reading,
        values=st.just("number"),
        decimal=st.sampled_from([".", ","]),
        grouping=st.sampled_from(["", ",", ".", " ", "'"]),
        unit=st.sampled_from(["", "%", "€"]),
    ),
    st.builds(
        Reading,
        values=st.just("datetime"),
        format=st.sampled_from(["ISO 8601", "%d.%m.%Y", "%m/%d/%y %I:%M %p", "epoch seconds", "%Y%m%d"]),
    ),
    st.just(Reading(values="boolean", true=("ja",), false=("nein",))),
    st.just(Reading(values="text", missing=("x",))),
)
CELLS = st.one_of(
    st.none(),
    st.text("0123456789.,-+eE %€'\u00a0()/:ampjx", min_size=1, max_size=12),
    st.floats().map(str),
    st.integers(-(10**20), 10**20).map(str),
    st.datetimes().map(str),
    st.sampled_from(
        ["ja", "NEIN", "true", "NA", "nan", "inf", "1_000", "١٢", "01.02.2024", "1/2/24 3:04 PM"]
    ),
)


@given(st.lists(CELLS, max_size=20), READINGS)
def test_a_column_is_read_as_its_cells_are(cells: list[str | None], reading: Reading) -> None:
    texts = trimmed(pa.array(cells, pa.string()))
    parse = parser(reading)

    def one(cell: str | None) -> Any:
        if cell is None or cell in reading.marks:
            return None
        try:
            return parse(cell)
        except ValueError:
            return None

    expected = [one(cell) for cell in texts.to_pylist()]
    assert typed(texts, reading).to_pylist() == expected
    assert typed(pa.chunked_array([texts, texts]), reading).to_pylist() == expected * 2


@given(st.lists(st.lists(CELLS, max_size=6), min_size=1, max_size=3))
def test_a_column_is_kept_in_a_type_only_if_every_cell_is_written_again_as_it_was(
    batches: list[list[str | None]],
) -> None:
    seen = Seen()
    kept = [trimmed(pa.array(cells, pa.string())) for cells in batches]
    for texts in kept:
        seen.observe(texts)
    known = [cell for texts in kept for cell in texts.to_pylist() if cell is not None]
    values = [value for texts in kept for value in pc.cast(texts, seen.type).to_pylist() if value is not None]
    if seen.point_zero:
        assert [f"{text(value)}.0" for value in values] == known or not known
    else:
        assert [text(value) for value in values] == known


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["1", "-2", "0"], pa.int64()),
        (["1.5", "2", "1.25e-07"], pa.float64()),
        (["1.0", "0.0", ""], pa.float64()),
        (["True", "False"], pa.bool_()),
        (["1.50", "2"], pa.string()),
        (["1", "NA"], pa.string()),
        (["+1"], pa.string()),
        (["007"], pa.string()),
        (["-0"], pa.string()),
        (["1E2"], pa.string()),
        (["true", "false"], pa.string()),
        (["", ""], pa.string()),
        (["123456789012345678", "0.5"], pa.string()),
    ],
)
def test_what_loses_a_character_stays_a_text(cells: list[str], kind: pa.DataType) -> None:
    seen = Seen()
    for cell in cells:
        seen.observe(trimmed(pa.array([cell])))
    assert seen.type == kind

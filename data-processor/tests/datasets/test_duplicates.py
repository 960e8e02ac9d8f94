import tempfile
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_processor.datasets import batches, duplicates
from data_processor.datasets.duplicates import count_different, find_repeated

SCHEMA = pa.schema(
    [("whole", pa.int64()), ("number", pa.float64()), ("text", pa.string()), ("flag", pa.bool_())]
)
ROW = st.tuples(
    st.none() | st.sampled_from((0, 1, -1, 2**62)),
    st.none() | st.sampled_from((0.0, -0.0, 1.0, 1.5)),
    st.none() | st.sampled_from(("", "a", "b", "nan")),
    st.none() | st.booleans(),
)


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(ROW, min_size=1, max_size=40))
def test_the_rows_that_repeat_an_earlier_one_are_those_that_pandas_finds(rows: list[tuple[Any, ...]]) -> None:
    columns = [
        pa.array(values, kind) for values, kind in zip(zip(*rows, strict=True), SCHEMA.types, strict=True)
    ]
    table = pa.Table.from_arrays(columns, schema=SCHEMA)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "raw.parquet")
        pq.write_table(table, path)
        found = find_repeated(path).tolist()
    assert found == pd.DataFrame(rows, dtype=object).duplicated().tolist()


def test_a_row_repeats_one_of_another_batch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "MOST_ROWS", 3)
    pq.write_table(pa.table({"a": [1, 2, 3, 4, 2, 5, 1], "b": list("xyzxyxx")}), tmp_path / "raw.parquet")
    assert find_repeated(tmp_path / "raw.parquet").tolist() == [False] * 4 + [True, False, True]


def test_different_texts_are_counted_over_all_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(duplicates, "_TEXTS_AT_ONCE", 2)
    assert count_different(pa.chunked_array([["a", None, "b", "a"], ["c", "b"]])) == 3
    assert count_different(pa.chunked_array([[None]], pa.string())) == 0

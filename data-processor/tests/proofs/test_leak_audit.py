"""Engines with offsets of their own are flagged, and tables of independent rows are not."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data_processor.datasets.leak_audit import audit_file
from data_processor.datasets.profile import read_columns

FEW, ALL = 2, 100
SCARCE = [pytest.param(ALL, marks=pytest.mark.services), FEW]


def _flagged(folder: Path, frame: pd.DataFrame) -> bool:
    path = folder / "raw.parquet"
    table = pa.Table.from_pandas(frame, preserve_index=False)
    kinds = [pa.string() if pa.types.is_large_string(kind) else kind for kind in table.schema.types]
    pq.write_table(table.cast(pa.schema(zip(table.schema.names, kinds, strict=True))), path)
    return audit_file(path, read_columns(path), "y")["suggested"] is not None


def _noise(rng: np.random.Generator, rows: int) -> pd.DataFrame:
    return pd.DataFrame({f"sensor {number}": rng.normal(size=rows) for number in range(4)})


@pytest.mark.parametrize("count", SCARCE)
def test_engines_are_flagged_in_95_of_100_tables(tmp_path: Path, count: int) -> None:
    """60 engines of about 20 rows: noise, and an offset of each engine's own that is as large."""
    flagged = 0
    for seed in range(count):
        rng = np.random.default_rng(seed)
        engine, offset = np.sort(rng.integers(0, 60, 1_200)), rng.normal(size=60)
        frame = _noise(rng, 1_200).assign(engine=engine)
        flagged += _flagged(tmp_path, frame.assign(y=offset[engine] + rng.normal(size=1_200)))
    assert flagged >= 0.95 * count


@pytest.mark.parametrize("count", SCARCE)
def test_independent_rows_with_an_id_are_flagged_in_2_of_100_tables(tmp_path: Path, count: int) -> None:
    flagged = 0
    for seed in range(count):
        rng, groups = np.random.default_rng(seed), (15, 150)[seed // 2 % 2]
        frame = _noise(rng, 900).assign(customer_id=rng.integers(0, groups, 900), row=np.arange(900))
        score = frame["sensor 0"] + rng.normal(size=900)
        target = score if seed % 2 else np.where(score > 0, "yes", "no")
        flagged += _flagged(tmp_path, frame.assign(y=target))
    assert flagged <= 0.02 * count

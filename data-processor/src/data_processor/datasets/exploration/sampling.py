"""The rows that a profile is computed from: sampled by a fixed seed while the table is read in pieces."""

from collections import Counter
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from data_processor.features.split import PROVENANCE

MOST_ROWS, FEWEST_ROWS = 50_000, 2_000
"""A share among so many rows is known to half a percentage point."""
MOST_CELLS = 5_000_000
"""A wide table gives fewer rows."""
SEED = 20_260
_BATCH_ROWS = 20_000


@dataclass(frozen=True, slots=True)
class Sample:
    """Rows of a table, and what was counted in all of them."""

    frame: pd.DataFrame
    """The rows that were sampled, in the order of the table, without provenance."""
    total: int
    missing: dict[str, int]
    """Missing values of each column in every row of the table."""


def take_sample(table: bytes, most: int | None = None) -> Sample:
    """Sample a stored table (Parquet): all rows of a small one, always the same ones of a large one."""
    with pq.ParquetFile(pa.BufferReader(table)) as file:
        names = [name for name in file.schema_arrow.names if name not in PROVENANCE]
        total = file.metadata.num_rows
        chosen = _positions(total, most or min(MOST_ROWS, max(FEWEST_ROWS, MOST_CELLS // len(names))))
        missing: Counter[str] = Counter()
        parts, begin = [], 0
        for batch in file.iter_batches(_BATCH_ROWS):
            wanted = batch.select(names)
            missing.update({name: column.null_count for name, column in zip(names, wanted, strict=True)})
            low, high = np.searchsorted(chosen, (begin, begin + len(batch)))
            parts.append(wanted.take(pa.array(chosen[low:high] - begin)))
            begin += len(batch)
    return Sample(pa.Table.from_batches(parts).to_pandas(), total, {name: missing[name] for name in names})


def _positions(total: int, most: int) -> NDArray[np.int64]:
    if total <= most:
        return np.arange(total)
    return np.sort(np.random.default_rng(SEED).choice(total, most, replace=False))

"""Which rows of a table repeat an earlier one, and how many texts differ, with a few bytes per row in memory.

A row is known by 128 bits that follow from its values: the chance that any two different rows of a
hundred million share them is 1 in 10²².
"""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from data_processor.datasets.batches import batches

Words = NDArray[np.uint64]
_TEXTS_AT_ONCE = 20_000
_KEYS = ("rows of a table1", "rows of a table2")
"""What the two halves of a text's hash are made with; pandas takes 16 characters."""
_MISSING = np.uint64(0x9E3779B97F4A7C15)
_ODD = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))


def find_repeated(path: Path) -> NDArray[np.bool_]:
    """Say of each row of a typed Parquet file whether it repeats an earlier one."""
    with pq.ParquetFile(path) as file:
        keys = np.empty((file.metadata.num_rows, 2), np.uint64)
        done = 0
        for batch in batches(file):
            keys[done : done + len(batch)] = _keys(batch)
            done += len(batch)
    # The order is stable: of rows alike, the first comes first.
    order = np.lexsort((keys[:, 1], keys[:, 0]))
    alike = (keys[order[1:]] == keys[order[:-1]]).all(axis=1)
    repeated = np.zeros(len(keys), np.bool_)
    repeated[order[1:]] = alike
    return repeated


def count_different(texts: pa.ChunkedArray) -> int:
    """Return how many different texts there are: long ones are not in memory a second time."""
    known = texts.drop_null()
    parts = [known.slice(start, _TEXTS_AT_ONCE) for start in range(0, len(known), _TEXTS_AT_ONCE)]
    seen = [np.unique(_hashes(part.combine_chunks(), 0)) for part in parts]
    return len(np.unique(np.concatenate(seen))) if seen else 0


def _keys(batch: pa.RecordBatch) -> Words:
    keys = np.zeros((len(batch), 2), np.uint64)
    for column in batch.columns:
        for side in range(2):
            keys[:, side] = _mixed(keys[:, side] * _ODD[side] + _hashes(column, side))
    return keys


def _hashes(column: Any, side: int) -> Words:
    """Return 64 bits for each value of a column; equal values have equal ones."""
    if pa.types.is_string(column.type):
        coded = column.dictionary_encode()
        texts = np.array(coded.dictionary.to_pylist(), object)
        known = pd.util.hash_array(texts, hash_key=_KEYS[side], categorize=False)
        codes = coded.indices.fill_null(len(texts)).to_numpy(zero_copy_only=False)
        found: Words = np.append(known, _MISSING)[codes]
        return found
    kind = pa.float64() if pa.types.is_floating(column.type) else pa.int64()
    values = pc.cast(column, kind).fill_null(0).to_numpy(zero_copy_only=False)
    # Zero is zero, whatever its sign.
    bits = (values + 0.0).view(np.uint64) if values.dtype == np.float64 else values.view(np.uint64)
    missing = column.is_null().to_numpy(zero_copy_only=False)
    return np.where(missing, _MISSING, _mixed(bits + _ODD[side]))


def _mixed(words: Words) -> Words:
    """Spread every bit of each word over all of it (the finaliser of SplitMix64, Steele et al. 2014)."""
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return words ^ (words >> np.uint64(31))

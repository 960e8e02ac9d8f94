"""The rows of a Parquet file, some megabytes at a time: fewer of them where they are long."""

from collections.abc import Iterator, Sequence
from typing import Any

MOST_ROWS = 50_000
BYTES = 8 * 1024 * 1024


def batches(file: Any, columns: Sequence[str] | None = None) -> Iterator[Any]:
    """Yield the rows of an open Parquet file as record batches; only some columns if they are named."""
    footer = file.metadata
    size = sum(footer.row_group(place).total_byte_size for place in range(footer.num_row_groups))
    rows = MOST_ROWS if not size else max(1, min(MOST_ROWS, BYTES * footer.num_rows // size))
    yield from file.iter_batches(rows, columns=columns)

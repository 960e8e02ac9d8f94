"""Rows of mixed values, as JSON and spreadsheets have them, as typed columns: read twice, held never.

The first reading learns what each column holds, the second writes it.
"""

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from data_processor.datasets.reading.refusals import RefusedFileError, shown
from data_processor.datasets.reading.source import array_of, check_names, check_rows

Row = Sequence[Any]
Item = TypeVar("Item")
_BATCH_ROWS = 5_000
_INT64 = 2**63


def plain(value: Any) -> Any:
    """Return a value as it is stored: a text without blanks around it, none for a missing value."""
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, float) and value != value:  # noqa: PLR0124  # that is what NaN is
        return None
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).replace(tzinfo=None) if value.tzinfo else value
    if isinstance(value, dt.date):
        return dt.datetime(value.year, value.month, value.day)  # noqa: DTZ001  # a day has no zone
    if isinstance(value, dt.time | dt.timedelta):
        return str(value)
    return value


def write_rows(names: Sequence[str], open_rows: Callable[[], Iterable[Row]], target: Path) -> None:
    """Write rows to `target` as Parquet; `open_rows` returns all of them. Raises `RefusedFileError`."""
    check_names(names)
    kinds: list[set[type]] = [set() for _ in names]
    rows = 0
    for row in open_rows():
        rows += 1
        for place, value in enumerate(row):
            kinds[place].add(_kind(value))
    check_rows(rows)
    schema = pa.schema([(name, _type(found)) for name, found in zip(names, kinds, strict=True)])
    with pq.ParquetWriter(target, schema, compression="zstd") as writer:
        for batch in in_batches(open_rows(), _BATCH_ROWS):
            columns = [
                _array(name, values, kind)
                for name, values, kind in zip(names, zip(*batch, strict=True), schema.types, strict=True)
            ]
            writer.write_batch(pa.record_batch(columns, schema=schema))


def _array(name: str, values: Iterable[Any], kind: pa.DataType) -> pa.Array:
    try:
        return array_of(values, kind)
    except (pa.ArrowInvalid, UnicodeEncodeError, OverflowError) as error:
        raise RefusedFileError(
            f"Column {shown(name)} holds values that cannot all be stored as {kind}: write them as texts."
        ) from error


def in_batches(rows: Iterable[Item], most: int) -> Iterator[list[Item]]:
    """Yield lists of `most` rows, and of what is left in the end."""
    left = iter(rows)
    while batch := list(islice(left, most)):
        yield batch


def _kind(value: Any) -> type:
    if isinstance(value, int) and not isinstance(value, bool) and not -_INT64 <= value < _INT64:
        return str  # too long for a number: it is a name
    return type(value)


def _type(found: set[type]) -> pa.DataType:
    kinds = found - {type(None)}
    if kinds == {bool}:
        return pa.bool_()
    if kinds == {int}:
        return pa.int64()
    if kinds and kinds <= {int, float}:
        return pa.float64()
    if kinds == {dt.datetime}:
        return pa.timestamp("us")
    return pa.string()

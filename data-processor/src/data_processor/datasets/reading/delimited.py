"""CSV in any dialect, as columns: read twice, to learn what they can be kept as, and to write them."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from data_processor.datasets.reading.dialects import Dialect, cells_of, find_dialect
from data_processor.datasets.reading.encodings import check_encoding, find_encoding
from data_processor.datasets.reading.naming import keep_columns
from data_processor.datasets.reading.refusals import RefusedFileError
from data_processor.datasets.reading.source import Hints, Source, check_names, check_rows, check_width
from data_processor.datasets.reading.texts import Seen, trimmed
from data_processor.features.numerals import Mark

BLOCK_BYTES = 16 * 1024 * 1024
"""Rows are read in pieces of this size, and none may be longer."""
_ROWS_PER_GROUP = 50_000
_ROW_NUMBER = re.compile(r"Row #(\d+)")


def read_delimited(source: Path, target: Path, hints: Hints) -> Source:
    """Write a CSV's table to `target` as Parquet; return how it was read. Raises `RefusedFileError`."""
    encoding = hints.encoding or find_encoding(source)
    if encoding != "utf-8" or hints.encoding:  # that it found by reading the whole file
        encoding = check_encoding(source, encoding)
    dialect = find_dialect(source, encoding, hints)
    check_width(len(dialect.names))
    with ThreadPoolExecutor(pa.cpu_count()) as columns:  # Arrow works on them without holding the interpreter
        seen = [Seen() for _ in dialect.names]
        rows = 0
        for batch in _batches(source, encoding, dialect):
            rows += batch.num_rows
            list(columns.map(lambda one, texts: one.observe(trimmed(texts)), seen, batch.columns))
        check_rows(rows)
        kept = keep_columns(dialect.names, [one.known for one in seen], [one.whole for one in seen], hints)
        check_names(kept.names)
        seen = [seen[place] for place in kept.places]
        decimal = hints.decimal or _find_decimal(seen, dialect.delimiter)
        types = [one.type for one in seen]
        schema = pa.schema(list(zip(kept.names, types, strict=True)))
        with pq.ParquetWriter(target, schema, compression="zstd") as writer:
            for batch in _batches(source, encoding, dialect):
                texts = [batch.column(place) for place in kept.places]
                cells = columns.map(lambda texts, kind: pc.cast(trimmed(texts), kind), texts, types)
                writer.write_batch(pa.record_batch(list(cells), schema=schema), _ROWS_PER_GROUP)
    notes, choices = [*dialect.notes, *kept.notes], [*dialect.choices, *kept.choices]
    return Source("csv", dialect.header, encoding, dialect.delimiter, decimal, notes, choices)


def _batches(source: Path, encoding: str, dialect: Dialect) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a CSV's table that are not empty, every cell as the text it is."""
    columns = [str(place) for place in range(len(dialect.names))]
    below = sum(len(row) == len(columns) for row in dialect.footer)
    try:
        with _reader(source, encoding, dialect, columns) as reader:
            yield from _without_last(map(_without_empty, reader), below)
    except pa.ArrowInvalid as error:
        raise RefusedFileError(_sentence(str(error), dialect)) from error


def _without_empty(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Leave out rows of nothing but separators, with which spreadsheet programs end a CSV."""
    empty = None
    for column in batch.columns:
        nothing = pc.equal(column, "")
        empty = nothing if empty is None else pc.and_(empty, nothing)
        if not pc.any(empty).as_py():
            return batch
    return batch.filter(pc.invert(empty))


def _without_last(batches: Iterator[pa.RecordBatch], rows: int) -> Iterator[pa.RecordBatch]:
    """Yield batches without so many rows at the end of all of them."""
    waiting: list[pa.RecordBatch] = []
    for batch in batches:
        waiting.append(batch)
        while sum(map(len, waiting[1:])) >= rows:
            yield waiting.pop(0)
            if not waiting:
                break
    left = sum(map(len, waiting)) - rows
    for batch in waiting:
        if left > 0:
            yield batch[:left]
        left -= len(batch)


@contextmanager
def _reader(source: Path, encoding: str, dialect: Dialect, columns: list[str]) -> Iterator[Any]:
    wrong: list[tuple[int | None, int]] = []
    remarks = [row for row in dialect.footer if len(row) != len(columns)]

    def note(row: Any) -> str:
        if remarks and cells_of(row.text, dialect.delimiter) == remarks[0]:
            remarks.pop(0)
            return "skip"
        wrong.append((row.number, row.actual_columns))
        return "error"

    try:
        with pyarrow.csv.open_csv(
            source,
            read_options=pyarrow.csv.ReadOptions(
                use_threads=False,  # only then does it know in which row something is wrong
                block_size=BLOCK_BYTES,
                column_names=columns,
                skip_rows_after_names=dialect.skipped,
                # Arrow skips the byte-order mark of UTF-8 itself.
                encoding="utf8" if encoding in ("utf-8", "utf-8-sig") else encoding,
            ),
            parse_options=pyarrow.csv.ParseOptions(
                delimiter=dialect.delimiter, newlines_in_values=True, invalid_row_handler=note
            ),
            convert_options=pyarrow.csv.ConvertOptions(
                column_types=dict.fromkeys(columns, pa.string()),
                strings_can_be_null=False,
                check_utf8=True,
            ),
        ) as reader:
            yield reader
    except pa.ArrowInvalid as error:
        if not wrong:
            raise
        number, found = wrong[0]
        place = f"Row {number}" if number is not None else "A row"
        raise RefusedFileError(
            f"{place} has {found} cells, but the first row has {len(columns)}: all rows must have the same "
            f"number of cells. The delimiter was taken to be {dialect.delimiter!r}; if it is another, "
            "give it in the field delimiter, and put quotes around texts that contain it."
        ) from error


def _sentence(error: str, dialect: Dialect) -> str:
    if "straddling" in error or "block size" in error:
        return f"A row is longer than {BLOCK_BYTES // 1024 // 1024} MB: is a quotation mark never closed?"
    found = _ROW_NUMBER.search(error)
    place = f"Row {found[1]}" if found else "A row"
    return (
        f"{place} cannot be read as a row of {len(dialect.names)} cells separated by {dialect.delimiter!r}: "
        "check its quotation marks and delimiters."
    )


def _find_decimal(seen: list[Seen], delimiter: str) -> Mark:
    """Return the decimal mark that most columns can only be read with.

    Where none decides: who separates columns by semicolons does so because commas are decimal marks.
    """
    votes = [one.votes() for one in seen]
    points, commas = (sum(vote[n] for vote in votes) for n in (0, 1))
    either = delimiter == ";" and any(one.either for one in seen)
    return "," if commas > points or (either and points == 0) else "."

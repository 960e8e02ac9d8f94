"""CSV in any dialect, as typed columns."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from data_processor.datasets.cells import (
    Mark,
    Reading,
    clean,
    decimal_votes,
    find_reading,
    read_texts,
)
from data_processor.datasets.dialects import Dialect, find_dialect
from data_processor.datasets.encodings import check_encoding, find_encoding
from data_processor.datasets.reading import Hints, Source, check_names, check_rows, check_width
from data_processor.datasets.refusals import RefusedFileError

BLOCK_BYTES = 16 * 1024 * 1024
"""Rows are read in pieces of this size, and none may be longer."""
_ROWS_PER_GROUP = 50_000
_ROW_NUMBER = re.compile(r"Row #(\d+)")


def read_delimited(source: Path, target: Path, hints: Hints) -> Source:
    """Write a CSV's table to `target` as Parquet; return how it was read. Raises `RefusedFileError`."""
    encoding = (
        check_encoding(source, hints.encoding)
        if hints.encoding
        else check_encoding(source, find_encoding(source))
    )
    dialect = find_dialect(source, encoding, delimiter=hints.delimiter, header=hints.header)
    check_width(len(dialect.names))
    check_names(dialect.names)
    texts = target.with_name("texts.parquet")
    try:
        _write_texts(source, texts, encoding, dialect)
        with pq.ParquetFile(texts) as file:
            check_rows(file.metadata.num_rows)
            decimal = hints.decimal or _find_decimal(file, dialect)
            readings = [find_reading(_column(file, place), decimal) for place in range(len(dialect.names))]
            _write_typed(file, target, dialect, readings)
    finally:
        texts.unlink(missing_ok=True)
    return Source("csv", dialect.header, encoding, dialect.delimiter, decimal)


def _write_texts(source: Path, target: Path, encoding: str, dialect: Dialect) -> None:
    """Write every cell as the text it is."""
    columns = [str(place) for place in range(len(dialect.names))]
    schema = pa.schema([(name, pa.string()) for name in columns])
    try:
        with (
            _reader(source, encoding, dialect, columns) as batches,
            pq.ParquetWriter(target, schema, compression="zstd") as writer,
        ):
            for batch in batches:
                cleaned = [clean(column) for column in batch.columns]
                writer.write_batch(pa.record_batch(cleaned, schema=schema), _ROWS_PER_GROUP)
    except pa.ArrowInvalid as error:
        raise RefusedFileError(_sentence(str(error), dialect)) from error


@contextmanager
def _reader(source: Path, encoding: str, dialect: Dialect, columns: list[str]) -> Iterator[Any]:
    wrong: list[tuple[int | None, int]] = []

    def note(row: Any) -> str:
        wrong.append((row.number, row.actual_columns))
        return "error"

    try:
        with pyarrow.csv.open_csv(
            source,
            read_options=pyarrow.csv.ReadOptions(
                use_threads=False,  # only then does it know in which row something is wrong
                block_size=BLOCK_BYTES,
                column_names=columns,
                skip_rows_after_names=int(dialect.header),
                # Arrow passes over the mark of UTF-8 by itself.
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
            f"{place} has {found} cells, the first row has {len(columns)}: the rows of a table are equally "
            f"long. Its columns were taken to be separated by {dialect.delimiter!r}; if they are not, say by "
            "what in the field delimiter, and put quotes around texts that contain it."
        ) from error


def _sentence(error: str, dialect: Dialect) -> str:
    if "straddling" in error or "block size" in error:
        return f"A row is longer than {BLOCK_BYTES // 1024 // 1024} MB: is a quote opened and never closed?"
    found = _ROW_NUMBER.search(error)
    place = f"Row {found[1]}" if found else "A row"
    return (
        f"{place} cannot be read as a row of {len(dialect.names)} cells separated by {dialect.delimiter!r}: "
        "check its quotes and separators."
    )


def _find_decimal(file: Any, dialect: Dialect) -> Mark:
    """Return the decimal mark that most columns can only be read with."""
    votes = [decimal_votes(_column(file, place)) for place in range(len(dialect.names))]
    point, comma = sum(vote[0] for vote in votes), sum(vote[1] for vote in votes)
    return "," if comma > point else "."


def _column(file: Any, place: int) -> Any:
    return file.read(columns=[str(place)]).column(0)


def _write_typed(file: Any, target: Path, dialect: Dialect, readings: list[Reading]) -> None:
    schema = pa.schema([(name, reading.type) for name, reading in zip(dialect.names, readings, strict=True)])
    with pq.ParquetWriter(target, schema, compression="zstd") as writer:
        for batch in file.iter_batches(_ROWS_PER_GROUP):
            columns = [
                read_texts(column, reading) for column, reading in zip(batch.columns, readings, strict=True)
            ]
            writer.write_batch(pa.record_batch(columns, schema=schema))

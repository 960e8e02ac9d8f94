"""Parquet in the few types that everything downstream knows, unpacked only as far as memory and disk allow.

A file of some kilobytes may hold a thousand million rows, or one long text a million times: what it unpacks
to is in its footer, and how long its texts are is known before any of them is written out.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from data_processor.datasets.reading.dialects import MAX_CELL
from data_processor.datasets.reading.refusals import RefusedFileError, shown
from data_processor.datasets.reading.source import Source, check_names, check_rows
from data_processor.datasets.reading.texts import trimmed

MAX_UNPACKED_BYTES = 16 * 1024**3
MAX_VALUES = 2**30
"""As many as a CSV of 2 GB can hold."""
_BATCH_ROWS = 50_000
_TEXT_BYTES = 64 * 1024 * 1024
"""Texts that are written out at a time, if they are not longer one by one."""
_TIMESTAMP = pa.timestamp("us")


def read_parquet(source: Path, target: Path) -> Source:
    """Write a Parquet file's table to `target` in plain types. Raises `RefusedFileError`."""
    try:
        with _open(source) as file:
            names = [name.strip() for name in file.schema_arrow.names]
            # The columns in which pandas keeps its row labels are not part of the table.
            kept = [place for place, name in enumerate(names) if not name.startswith("__index_level_")]
            names = [names[place] for place in kept]
            check_names(names)
            check_rows(file.metadata.num_rows)
            _check_unpacked(file.metadata)
            _check_texts(file.metadata)
            types = [_plain(names[n], file.schema_arrow.types[place]) for n, place in enumerate(kept)]
            schema = pa.schema(list(zip(names, types, strict=True)))
            with pq.ParquetWriter(target, schema, compression="zstd") as writer:
                for batch in _pieces(file.iter_batches(_BATCH_ROWS)):
                    columns = [
                        _converted(batch.column(place), kind, name)
                        for place, kind, name in zip(kept, types, names, strict=True)
                    ]
                    writer.write_batch(pa.record_batch(columns, schema=schema))
    except MemoryError:
        raise  # which is an error of Arrow as well, and says nothing about the file
    except (pa.ArrowException, OSError) as error:
        raise RefusedFileError(
            "The Parquet file cannot be read: it is damaged or truncated. Export it again."
        ) from error
    return Source("parquet")


def _open(source: Path) -> Any:
    """Open a file in which texts are read as codes, each different one once."""
    schema = pq.read_schema(source)
    texts = [one.name for one in schema if pa.types.is_string(one.type) or pa.types.is_large_string(one.type)]
    return pq.ParquetFile(source, read_dictionary=texts)


def _check_unpacked(footer: Any) -> None:
    """Raise `RefusedFileError` for a file that unpacks to more than is kept."""
    groups = [footer.row_group(place) for place in range(footer.num_row_groups)]
    size = sum(group.total_byte_size for group in groups)
    values = footer.num_rows * footer.num_columns
    if size > MAX_UNPACKED_BYTES or values > MAX_VALUES:
        raise RefusedFileError(
            f"The Parquet file unpacks to {size // 1024**2} MB and {values} values; at most "
            f"{MAX_UNPACKED_BYTES // 1024**2} MB and {MAX_VALUES} are allowed: upload it in parts."
        )


def _check_texts(footer: Any) -> None:
    """Raise `RefusedFileError` for texts that are too long on average: each has to be in memory."""
    for place in range(footer.num_row_groups):
        group = footer.row_group(place)
        for number in range(group.num_columns):
            column = group.column(number)
            size = column.total_uncompressed_size // max(1, column.num_values)
            if column.physical_type == "BYTE_ARRAY" and size > MAX_CELL:
                raise RefusedFileError(
                    f"Column {shown(column.path_in_schema)} holds texts of {size // 1024**2} MB on average; "
                    f"at most {MAX_CELL // 1024**2} MB are allowed in a cell: leave it out."
                )


def _pieces(batches: Any) -> Iterator[Any]:
    """Yield batches, in pieces where their texts would be large when they are written out."""
    unpacked = 0
    for batch in batches:
        sizes = np.zeros(len(batch), np.int64)
        for column in batch.columns:
            if pa.types.is_dictionary(column.type):
                lengths = pc.binary_length(pc.cast(column.dictionary, pa.large_string()))
                sizes += lengths.take(column.indices).fill_null(0).to_numpy(zero_copy_only=False)
        ends = np.cumsum(sizes)
        unpacked += int(ends[-1]) if len(ends) else 0
        if unpacked > MAX_UNPACKED_BYTES:
            raise RefusedFileError(
                f"The texts of the Parquet file unpack to more than {MAX_UNPACKED_BYTES // 1024**2} MB: "
                "upload it in parts."
            )
        start = 0
        while start < len(batch):
            before = int(ends[start - 1]) if start else 0
            end = max(start + 1, int(np.searchsorted(ends, before + _TEXT_BYTES, side="right")))
            yield batch.slice(start, end - start)
            start = end


def _plain(name: str, kind: Any) -> pa.DataType:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if pa.types.is_boolean(kind):
        return pa.bool_()
    if pa.types.is_integer(kind):
        return pa.int64()
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return pa.float64()
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return _TIMESTAMP
    if pa.types.is_null(kind) or pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return pa.string()
    if pa.types.is_string_view(kind) or pa.types.is_time(kind):
        return pa.string()
    raise RefusedFileError(
        f"Column {shown(name)} holds {kind}; a column may hold numbers, texts, dates or booleans."
    )


def _converted(values: Any, kind: pa.DataType, name: str) -> Any:
    try:
        if pa.types.is_dictionary(values.type):
            values = values.dictionary_decode()
        if pa.types.is_timestamp(values.type):
            values = pc.cast(values, pa.timestamp("us", values.type.tz), safe=False)
            values = pc.cast(values, _TIMESTAMP)
        converted = pc.cast(values, kind)
    except pa.ArrowInvalid as error:
        raise RefusedFileError(
            f"Column {shown(name)} holds numbers that do not fit into 64 bits: export it as text."
        ) from error
    if pa.types.is_string(kind):
        return trimmed(converted)
    if pa.types.is_floating(kind):
        return pc.if_else(pc.is_nan(converted), None, converted)
    return converted

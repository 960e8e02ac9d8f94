"""Parquet in the few types that everything downstream knows."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from data_processor.datasets.cells import clean
from data_processor.datasets.reading import Source, check_names, check_rows
from data_processor.datasets.refusals import RefusedFileError, shown

_BATCH_ROWS = 50_000
_MOMENT = pa.timestamp("us")


def read_parquet(source: Path, target: Path) -> Source:
    """Write a Parquet file's table to `target` in plain types. Raises `RefusedFileError`."""
    try:
        with pq.ParquetFile(source) as file:
            names = [name.strip() for name in file.schema_arrow.names]
            # What pandas keeps its row labels in is no column of the table.
            kept = [place for place, name in enumerate(names) if not name.startswith("__index_level_")]
            names = [names[place] for place in kept]
            check_names(names)
            check_rows(file.metadata.num_rows)
            types = [_plain(names[n], file.schema_arrow.types[place]) for n, place in enumerate(kept)]
            schema = pa.schema(list(zip(names, types, strict=True)))
            with pq.ParquetWriter(target, schema, compression="zstd") as writer:
                for batch in file.iter_batches(_BATCH_ROWS):
                    columns = [
                        _converted(batch.column(place), kind, name)
                        for place, kind, name in zip(kept, types, names, strict=True)
                    ]
                    writer.write_batch(pa.record_batch(columns, schema=schema))
    except (pa.ArrowException, OSError) as error:
        raise RefusedFileError(
            "The Parquet file cannot be read: it is damaged, or cut off. Export it again."
        ) from error
    return Source("parquet")


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
        return _MOMENT
    if pa.types.is_null(kind) or pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return pa.string()
    if pa.types.is_string_view(kind) or pa.types.is_time(kind):
        return pa.string()
    raise RefusedFileError(
        f"Column {shown(name)} holds {kind}; a column holds numbers, texts, dates or true and false."
    )


def _converted(values: Any, kind: pa.DataType, name: str) -> Any:
    try:
        if pa.types.is_dictionary(values.type):
            values = values.dictionary_decode()
        if pa.types.is_timestamp(values.type):
            values = pc.cast(values, pa.timestamp("us", values.type.tz), safe=False)
            values = pc.cast(values, _MOMENT)
        converted = pc.cast(values, kind)
    except pa.ArrowInvalid as error:
        raise RefusedFileError(
            f"Column {shown(name)} holds numbers that do not fit into 64 bits: export it as text."
        ) from error
    if pa.types.is_string(kind):
        return clean(converted)
    if pa.types.is_floating(kind):
        return pc.if_else(pc.is_nan(converted), None, converted)
    return converted

"""The confirmed table, made from the uploaded one, a few thousand rows at a time.

It has the form in which tables are stored (`tables.py`): named as confirmed, numbers as numbers, dates
as ISO 8601, everything else as text, repeated rows left out if so wished, and an empty provenance.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from data_processor.datasets.batches import batches
from data_processor.datasets.confirmation import Confirmed
from data_processor.datasets.duplicates import find_repeated
from data_processor.datasets.profile import ColumnFacts
from data_processor.features.packing import MISSING, text
from data_processor.features.schema import Kind
from data_processor.features.split import FEEDBACK_COLUMN, PREDICTION_COLUMN
from data_processor.tasks.registry import likely_task, task_of
from data_processor.tasks.task import Target, Task

_DAY, _TIMESTAMP = "%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"


@dataclass(frozen=True, slots=True)
class _Target:
    """One column of the stored table, and how its values are converted."""

    name: str
    type: pa.DataType
    convert: Callable[[Any], Any]


def write_confirmed(
    raw: Path, target: Path, confirmed: Confirmed, facts: list[ColumnFacts], tell: Callable[[float], None]
) -> None:
    """Write the confirmed table to `target`; `tell` is told the share that is done."""
    known = {column.name: column for column in facts}
    left_out = find_repeated(raw) if confirmed.preparation.drop_duplicates else None
    done = 0
    with pq.ParquetFile(raw) as file:
        rows = file.metadata.num_rows
        kinds = dict(zip(file.schema_arrow.names, file.schema_arrow.types, strict=True))
        columns = {
            name: _target(raw, kinds[name], known[name], column.name, kind_of(confirmed, name, known))
            for name, column in confirmed.columns.items()
        }
        fields = [(column.name, column.type) for column in columns.values()]
        schema = pa.schema([*fields, (PREDICTION_COLUMN, pa.string()), (FEEDBACK_COLUMN, pa.int64())])
        with pq.ParquetWriter(target, schema, compression="zstd") as writer:
            for found in batches(file):
                batch = found
                if left_out is not None:
                    batch = found.filter(pa.array(~left_out[done : done + len(found)]))
                done += len(found)
                values = [column.convert(batch.column(name)) for name, column in columns.items()]
                empty = [pa.array([""] * len(batch), pa.string()), pa.array(np.zeros(len(batch), np.int64))]
                writer.write_batch(pa.record_batch([*values, *empty], schema=schema))
                tell(done / rows)


def task_for(confirmed: Confirmed, facts: list[ColumnFacts]) -> Task:
    """Return what is to be predicted; uploads that were confirmed long ago may not say it."""
    if confirmed.task is not None:
        return task_of(confirmed.task)
    found = next(c for c in facts if confirmed.columns[c.name].name == confirmed.target)
    target = Target(confirmed.target, "numeric", found.type in ("integer", "number"), found.distinct)
    return likely_task(target, {})


def kind_of(confirmed: Confirmed, name: str, facts: dict[str, ColumnFacts]) -> Kind:
    """Return the kind that a column is kept as: that of the target follows from the task."""
    column = confirmed.columns[name]
    if column.name != confirmed.target:
        return column.kind
    return task_for(confirmed, list(facts.values())).target_kind


def _target(raw: Path, found: pa.DataType, facts: ColumnFacts, name: str, kind: Kind) -> _Target:
    whole = pa.types.is_integer(found) and not facts.missing
    numeric = pa.types.is_integer(found) or pa.types.is_floating(found)
    truth = pa.types.is_boolean(found) and not facts.missing
    if kind == "numeric" or (kind in ("ignored", "identifier") and (numeric or truth)):
        return _Target(name, pa.int64() if whole else pa.float64(), _to_whole if whole else _to_number)
    if kind == "datetime":
        parse = _timestamps(facts.date_format)
        form = _DAY if _are_days(raw, facts.name, parse) else _TIMESTAMP
        return _Target(name, pa.string(), lambda values: pc.strftime(parse(values), form))
    return _Target(name, pa.string(), _to_text)


def _to_whole(values: Any) -> Any:
    return pc.cast(values, pa.int64())


def _to_number(values: Any) -> Any:
    if pa.types.is_boolean(values.type):
        values = pc.cast(values, pa.int8())
    # A whole number of more than 53 bits becomes the nearest float there is, as everywhere else.
    return pc.cast(values, pa.float64(), safe=False)


def _to_text(values: Any) -> Any:
    """Return values as the texts that models see: each different one is written once."""
    if pa.types.is_string(values.type):
        return values
    coded = values.dictionary_encode()
    written = [text(value) for value in coded.dictionary.to_pylist()]
    known = pa.array([None if one == MISSING else one for one in written], pa.string())
    return known.take(coded.indices)


def _timestamps(date_format: str | None) -> Callable[[Any], Any]:
    """Return how dates are read: they are timestamps already, or texts in a format."""

    def read(values: Any) -> Any:
        if pa.types.is_timestamp(values.type):
            return pc.cast(pc.floor_temporal(values, unit="second"), pa.timestamp("s"))
        coded = values.dictionary_encode()
        parsed = pd.to_datetime(pd.Series(coded.dictionary.to_pylist(), dtype="str"), format=date_format)
        return pa.array(parsed.dt.as_unit("s"), pa.timestamp("s")).take(coded.indices)

    return read


def _are_days(raw: Path, name: str, parse: Callable[[Any], Any]) -> bool:
    """Say whether no date of a column has a time of day."""
    with pq.ParquetFile(raw) as file:
        for batch in batches(file, [name]):
            found = parse(batch.column(name)).drop_null()
            if pc.any(pc.not_equal(pc.floor_temporal(found, unit="day"), found)).as_py():
                return False
    return True

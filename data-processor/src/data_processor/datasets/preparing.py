"""The confirmed table, made from the uploaded one, a few thousand rows at a time.

It has the form in which tables are stored (`tables.py`): named as confirmed, numbers as numbers, dates
as ISO 8601, everything else as text, repeated rows left out if so wished, and an empty provenance.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from data_processor.datasets.batches import batches
from data_processor.datasets.confirmed import Confirmed
from data_processor.datasets.duplicates import find_repeated
from data_processor.datasets.profile import EXACT, ColumnFacts, finite
from data_processor.datasets.rare_classes import rare_classes
from data_processor.datasets.reading.texts import typed, without_marks
from data_processor.datasets.readings import unreadable_texts
from data_processor.features.packing import MISSING, text
from data_processor.features.preparation import DatasetPreparation
from data_processor.features.reading import MOST_MARKS, Reading
from data_processor.features.schema import Kind, Schema
from data_processor.features.split import FEEDBACK_COLUMN, PREDICTION_COLUMN
from data_processor.tasks.registry import likely_task, row_task_of
from data_processor.tasks.task import RowTask, Target

_DAY, _TIMESTAMP = "%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"


@dataclass(frozen=True, slots=True)
class _Column:
    """One column of the uploaded table, and what it becomes."""

    found: pa.DataType
    missing: bool
    """Some of its values are missing."""
    name: str
    kind: Kind
    reading: Reading | None
    """None where it was confirmed before there were readings."""


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
            name: _target(raw, name, _column(confirmed, kinds[name], name, known))
            for name in confirmed.columns
        }
        rare = _rare(file, columns, confirmed, left_out)
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
                ready = pa.record_batch([*values, *empty], schema=schema)
                writer.write_batch(_without_rare(ready, confirmed.target, rare, confirmed.preparation))
                tell(done / rows)


def _rare(
    file: pq.ParquetFile,
    columns: Mapping[str, _Target],
    confirmed: Confirmed,
    left_out: NDArray[np.bool_] | None,
) -> list[str]:
    """Return the labels of the rare classes, if something is to be done about them."""
    if confirmed.preparation.rare_classes.action == "refuse" or confirmed.task is None:
        return []
    if row_task_of(confirmed.task).description.answer != "label":
        return []
    source = next(name for name, column in columns.items() if column.name == confirmed.target)
    counts: Counter[str] = Counter()
    done = 0
    for batch in batches(file, [source]):
        values = columns[source].convert(batch.column(source))
        if left_out is not None:
            values = values.filter(pa.array(~left_out[done : done + len(batch)]))
        done += len(batch)
        counts.update({pair["values"]: pair["counts"] for pair in pc.value_counts(values).to_pylist()})
    del counts[None]  # a row without a target
    return sorted(rare_classes(counts))


def final_readings(raw: Path, confirmed: Confirmed) -> dict[str, Reading]:
    """Return how each column is read from now on, by its new name.

    What could not be read in the file, and is to be missing, is so in whatever comes later too.
    """
    found = {}
    with pq.ParquetFile(raw) as file:
        for name, column in confirmed.columns.items():
            if (reading := column.reading) is None:
                continue
            if column.unreadable == "missing" and pa.types.is_string(file.schema_arrow.field(name).type):
                for batch in batches(file, [name]):
                    more = unreadable_texts(batch.column(name), reading)
                    reading = reading.also_missing(tuple(more[: MOST_MARKS - len(reading.missing)]))
            found[column.name] = reading
    return found


def as_confirmed(schema: Schema, confirmed: Confirmed, readings: Mapping[str, Reading]) -> Schema:
    """Return an inferred schema with what a person confirmed of its columns, and with how they are read."""
    said = {column.name: (source, column) for source, column in confirmed.columns.items()}
    columns = []
    for column in schema.columns:
        source, asked = said[column.name]
        nullable = column.nullable or bool(asked.nullable)
        changed: dict[str, Any] = {"nullable": nullable, "reading": readings.get(column.name)}
        changed["source"] = source if source != column.name else None
        columns.append(column.model_copy(update=changed))
    return schema.model_copy(update={"columns": tuple(columns)})


def task_for(confirmed: Confirmed, facts: list[ColumnFacts]) -> RowTask:
    """Return what is to be predicted; uploads that were confirmed long ago may not say it."""
    if confirmed.task is not None:
        return row_task_of(confirmed.task)
    found = next(c for c in facts if confirmed.columns[c.name].name == confirmed.target)
    target = Target(confirmed.target, "numeric", found.type in ("integer", "number"), found.distinct)
    return likely_task(target, {})


def kind_of(confirmed: Confirmed, name: str, facts: dict[str, ColumnFacts]) -> Kind:
    """Return the kind that a column is kept as: that of the target follows from the task."""
    column = confirmed.columns[name]
    if column.name != confirmed.target:
        return column.kind
    return task_for(confirmed, list(facts.values())).target_kind


def _column(confirmed: Confirmed, found: pa.DataType, name: str, facts: dict[str, ColumnFacts]) -> _Column:
    column, kind = confirmed.columns[name], kind_of(confirmed, name, facts)
    reading = column.reading
    if reading is None and facts[name].date_format:
        reading = Reading(values="datetime", format=facts[name].date_format)
    return _Column(found, bool(facts[name].missing), column.name, kind, reading)


def _target(raw: Path, source: str, column: _Column) -> _Target:
    name, kind, found = column.name, column.kind, column.found
    if kind == "datetime":
        return _dated(raw, source, name, _dates_of(found, column.reading))
    if pa.types.is_string(found):
        reading = column.reading or Reading(values="number" if kind == "numeric" else "text")
        if kind == "numeric":
            return _Target(name, pa.float64(), lambda texts: _to_number(typed(texts, reading)))
        return _Target(name, pa.string(), lambda texts: _as_words(texts, reading))
    unused = kind in ("ignored", "identifier")
    if pa.types.is_integer(found) and (kind == "numeric" or unused):
        # With a gap a whole number is a float, unless that loses digits that tell rows apart.
        whole = not column.missing or (unused and _is_long(raw, source))
        return _Target(name, pa.int64(), _to_whole) if whole else _Target(name, pa.float64(), _to_number)
    numbers = pa.types.is_floating(found) or (pa.types.is_boolean(found) and not column.missing)
    if kind == "numeric" or (unused and numbers):
        return _Target(name, pa.float64(), _to_number)
    return _Target(name, pa.string(), _to_text)


def _dates_of(found: pa.DataType, reading: Reading | None) -> Callable[[Any], Any]:
    """Return how the dates of a column become timestamps: they are some already, or texts, or digits."""
    if reading is None or pa.types.is_timestamp(found):
        return lambda values: values
    return lambda values: typed(pc.cast(values, pa.string()), reading)


def _as_words(texts: Any, reading: Reading) -> Any:
    """Return texts as they are, without those that stand for nothing; booleans in one spelling each."""
    known = without_marks(texts, reading.missing)
    if reading.values != "boolean":
        return known
    truth = typed(known, reading)
    words = pc.if_else(truth, reading.true[0], reading.false[0])
    return pc.coalesce(words, known)


def _is_long(raw: Path, name: str) -> bool:
    """Say whether a column has whole numbers that are not exact as floats."""
    with pq.ParquetFile(raw) as file:
        ends = [pc.min_max(batch.column(name)).as_py() for batch in batches(file, [name])]
    return any(max(abs(one["min"] or 0), abs(one["max"] or 0)) > EXACT for one in ends)


def _dated(raw: Path, source: str, name: str, read: Callable[[Any], Any]) -> _Target:
    """Return a column of dates in the coarsest form that loses nothing: days, seconds, or fractions."""
    unit = _unit(raw, source, read)
    form = _DAY if unit == "day" else _TIMESTAMP
    # Arrow writes as many digits of a second as its type has.
    kind = pa.timestamp("us" if unit == "us" else "s")

    def convert(values: Any) -> Any:
        return pc.strftime(pc.cast(read(values), kind), form)

    return _Target(name, pa.string(), convert)


def _to_whole(values: Any) -> Any:
    return pc.cast(values, pa.int64())


def _to_number(values: Any) -> Any:
    if pa.types.is_boolean(values.type):
        values = pc.cast(values, pa.int8())
    # A whole number of more than 53 bits becomes the nearest float there is, as everywhere else.
    return finite(pc.cast(values, pa.float64(), safe=False))


def _to_text(values: Any) -> Any:
    """Return values as the texts that models see: each different one is written once."""
    if pa.types.is_string(values.type):
        return values
    coded = values.dictionary_encode()
    written = [text(value) for value in coded.dictionary.to_pylist()]
    known = pa.array([None if one == MISSING else one for one in written], pa.string())
    return known.take(coded.indices)


def _unit(raw: Path, name: str, read: Callable[[Any], Any]) -> Literal["day", "s", "us"]:
    """Return how fine the times of a column are."""
    finest: Literal["day", "s", "us"] = "day"
    with pq.ParquetFile(raw) as file:
        for batch in batches(file, [name]):
            found = read(batch.column(name)).drop_null()
            if pc.any(pc.not_equal(pc.floor_temporal(found, unit="second"), found)).as_py():
                return "us"
            if finest == "day" and pc.any(pc.not_equal(pc.floor_temporal(found, unit="day"), found)).as_py():
                finest = "s"
    return finest


def _without_rare(
    batch: pa.RecordBatch, target: str, rare: list[str], preparation: DatasetPreparation
) -> pa.RecordBatch:
    """Return rows of a confirmed table with the rare classes left out, or merged."""
    if not rare:
        return batch
    place = batch.schema.get_field_index(target)
    labels = batch.column(place)
    found: Any = pc.is_in(labels, pa.array(rare, pa.string()))
    if preparation.rare_classes.action == "leave_out":
        return batch.filter(pc.invert(found))
    merged = pc.if_else(found, pa.scalar(preparation.rare_classes.into), labels)
    return batch.set_column(place, batch.schema.field(place), merged)

"""What is doubtful about how columns are read: said with the proposal, with what can be done about it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from data_processor.datasets.data_quality import Warning_
from data_processor.datasets.profile import ColumnFacts
from data_processor.features.reading import Reading

_NAMED = 5
"""Cells that a sentence names."""


def find_doubts(columns: Sequence[ColumnFacts]) -> list[Warning_]:
    """Return the warnings about how columns are read."""
    return [
        {"code": code, "column": column.name, "message": message}
        for column in columns
        for code, message in _of_column(column)
    ]


def _of_column(column: ColumnFacts) -> Iterator[tuple[str, str]]:
    if not column.readings:
        return
    first: Any = column.readings[0]
    reading = Reading.model_validate(first["reading"])
    if first["unreadable"]:
        yield "unreadable", _unreadable(first["cells"], first["unreadable"], reading)
    if column.marks:
        yield "missing-marks", _marks(column.marks, reading)
    if "decimal" in column.doubts:
        yield "ambiguous-decimal", _decimal(column, reading)
    if "changed" in column.doubts:
        yield "reading-changed", f"It cannot be read as the last file was, and is read as {_how(reading)}."
    if "unit" in column.doubts:
        yield "unit", f"The numbers are read without the {reading.unit!r} beside them: {_range(column)}."
    if column.alike and reading.values == "number":
        yield "same-number", _alike(column)
    if "zeros" in column.doubts or "long" in column.doubts:
        yield "digits", _digits(column)
    if "epoch" in column.doubts and column.kind == "numeric":
        form = next(one["reading"]["format"] for one in column.readings if one["reading"]["format"])
        yield "epoch", f"The numbers may be times ({form}): choose datetime to have the calendar learnt from."


def _unreadable(cells: Sequence[Any], count: int, reading: Reading) -> str:
    what = "number" if reading.values == "number" else "date"
    return (
        f"{_cells(count)} no {what}: {_listed(cells, count)}. Say that such cells are missing (unreadable: "
        "missing), correct the file, or choose another kind."
    )


def _marks(marks: Mapping[str, int], reading: Reading) -> str:
    counted = ", ".join(f"{mark!r} in {_rows(times)}" for mark, times in marks.items())
    if set(marks) <= set(reading.missing):
        return (
            f"Counted as missing: {counted}. If one of them is a value, list the column's missing marks "
            "without it (missing: [] for none)."
        )
    return f"Kept as texts, because the last file was read so: {counted}."


def _decimal(column: ColumnFacts, reading: Reading) -> str:
    mark = "comma" if reading.decimal == "," else "point"
    grouped = " and groups of three digits" if reading.grouping else ""
    return (
        f"{column.examples[0]!r} is read with a decimal {mark}{grouped}, so that the numbers are "
        f"{_range(column)}. If the other mark is meant, say so (decimal)."
    )


def _alike(column: ColumnFacts) -> str:
    return (
        f"{column.alike + column.distinct} different texts are {column.distinct} different numbers, as 3.1 "
        "and 3.10 are the same one. If they are codes, choose categorical: then every character counts."
    )


def _digits(column: ColumnFacts) -> str:
    return (
        f"Digits such as {str(column.examples[0])!r} are kept as texts, because as numbers they would lose "
        "some of them. If they are quantities, choose numeric."
    )


def _how(reading: Reading) -> str:
    if reading.values == "datetime":
        return f"dates in the format {reading.format}"
    if reading.values == "number":
        return f"numbers with a decimal {'comma' if reading.decimal == ',' else 'point'}"
    return "true and false" if reading.values == "boolean" else "texts"


def _range(column: ColumnFacts) -> str:
    return f"{column.minimum:g} to {column.maximum:g}"


def _rows(count: int) -> str:
    return "one row" if count == 1 else f"{count} rows"


def _cells(count: int) -> str:
    return "One cell is" if count == 1 else f"{count} cells are"


def _listed(cells: Sequence[Any], count: int) -> str:
    named = ", ".join(f"{cell['text']!r} in row {cell['row']}" for cell in cells[:_NAMED])
    return f"{named} and {count - _NAMED} more" if count > _NAMED else named

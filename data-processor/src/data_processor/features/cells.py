"""One cell of one column, from whoever sends it: read into the value that stands in the stored table.

A cell is what JSON can say: a text as the column's file writes it, a number, true, false, or nothing. What
comes out is what training saw of such a cell: a float, a text or a timestamp as a text, or none where it is
missing. Reading what comes out once more gives the same.
"""

import datetime as dt
import math
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from data_processor.features.calendar import parse_timestamp
from data_processor.features.dates import counts
from data_processor.features.packing import text as written
from data_processor.features.reading import Reading, UnreadableError, parser
from data_processor.features.schema import Column, Kind

Cell = Any
Value = float | str | None
QUOTED = 60
"""Characters of a text that an error repeats."""
_USUAL: Mapping[Kind, Reading] = {
    "numeric": Reading(values="number"),
    "datetime": Reading(values="datetime", format="ISO 8601"),
}


def reading_of(column: Column) -> Reading:
    """Return how a column is read; of tables from before there were readings, what was usual then."""
    return column.reading or _USUAL.get(column.kind) or usual_text(column.kind)


def usual_text(kind: Kind) -> Reading:
    """Return how texts of a kind are read where nobody said otherwise: what people write is never a mark."""
    return Reading(values="text", missing=()) if kind == "text" else Reading(values="text")


def cell_reader(column: Column) -> Callable[[Cell], Value]:
    """Return what reads the cells of a column; it raises `UnreadableError` for what they cannot be."""
    reading = reading_of(column)
    if column.kind == "numeric":
        return _missing_first(reading, _numeric(reading))
    if column.kind == "datetime":
        return _missing_first(reading, _datetime(reading) if column.calendar else _lenient(reading))
    if column.kind == "categorical":
        known = _by_value(reading, column.categories)
        return _categorical(reading, column.categories, known)
    return _free_text(reading)


def label_reader(column: Column | None, classes: Iterable[str]) -> Callable[[Cell], str]:
    """Return what finds the class that a cell of the target means; what it does not find stays as it is."""
    labels = tuple(classes)
    reading = reading_of(column) if column is not None else Reading(values="text")
    known = _by_value(reading, labels)

    def read(cell: Cell) -> str:
        text = cell if isinstance(cell, str) else written(cell)
        if text in labels:
            return text
        if isinstance(cell, str):
            return _as_known(reading, labels, known)(cell.strip())
        if isinstance(cell, bool) and set(labels) <= {"0", "1"}:
            return str(int(cell))
        return known.get(_key(reading, cell), text)

    return read


def _missing_first(reading: Reading, read: Callable[[Cell], Value]) -> Callable[[Cell], Value]:
    marks = reading.marks

    def first(cell: Cell) -> Value:
        if isinstance(cell, str):
            cell = cell.strip()
            return None if cell in marks else read(cell)
        unknown = isinstance(cell, bool) and written(cell) in marks
        return None if unknown or _absent(cell) else read(cell)

    return first


def _absent(cell: Cell) -> bool:
    return cell is None or (isinstance(cell, float) and math.isnan(cell))


def _numeric(reading: Reading) -> Callable[[Cell], Value]:
    parse = parser(reading)
    how = _described(reading)

    def read(cell: Cell) -> Value:
        if isinstance(cell, bool):
            if reading.values != "boolean":
                raise UnreadableError("must be a number, not true or false")
            return float(cell)
        if isinstance(cell, int | float):
            return cell
        if not isinstance(cell, str):
            raise UnreadableError(f"must be a number, not {kind_of(cell)}")
        try:
            return float(parse(cell))  # type: ignore[arg-type] # a number or a truth
        except ValueError:
            raise UnreadableError(f"must be a number{how}, not the text {quote(cell)}") from None

    return read


def _datetime(reading: Reading) -> Callable[[Cell], Value]:
    parse, by_digits = parser(reading), counts(reading.format)

    def read(cell: Cell) -> Value:
        if by_digits and isinstance(cell, int | float) and not isinstance(cell, bool):
            cell = str(int(cell)) if float(cell).is_integer() else repr(cell)
        if not isinstance(cell, str):
            raise UnreadableError(f"must be text, not {kind_of(cell)}")
        if not by_digits and _is_iso(cell):
            return cell
        try:
            return iso(parse(cell))  # type: ignore[arg-type] # a timestamp
        except ValueError:
            pass
        if _is_iso(cell):
            return cell
        raise UnreadableError(
            f"{quote(cell)} is not a date or time; write 2026-01-31 or 2026-01-31T13:05:00, "
            "with a UTC offset if the time is not in UTC"
            + (
                f", or as the table has it: {reading.format}"
                if reading.format not in (None, "ISO 8601")
                else ""
            )
        )

    return read


def _lenient(reading: Reading) -> Callable[[Cell], Value]:
    """Return what reads the dates of a version that does not look at them: it takes any text."""
    strict = _datetime(reading)

    def read(cell: Cell) -> Value:
        try:
            return strict(cell)
        except UnreadableError:
            if isinstance(cell, str):
                return cell
            raise

    return read


def _is_iso(text: str) -> bool:
    try:
        parse_timestamp(text)
    except ValueError:
        return False
    return True


def iso(when: dt.datetime) -> str:
    """Return a timestamp as a table has it: a day alone if it is midnight, in UTC."""
    return when.date().isoformat() if when.time() == dt.time() else when.isoformat()


def _categorical(
    reading: Reading, categories: Iterable[str], known: Mapping[Any, str]
) -> Callable[[Cell], Value]:
    own, marks = frozenset(categories), reading.marks
    as_known = _as_known(reading, own, known)

    def read(cell: Cell) -> Value:
        if isinstance(cell, str):
            if cell in own:
                return cell
            text = cell.strip()
            # A class named NA is a class: what stands for a missing value is asked only of other texts.
            return text if text in own else None if text in marks else as_known(text)
        return None if _absent(cell) else read_other(cell)

    def read_other(cell: Cell) -> str:
        """Return what a number or a truth means: a category, or an unseen one of a column of such values."""
        text = written(cell)
        if isinstance(cell, bool | int | float):
            if text in own:
                return text
            if (found := known.get(_key(reading, cell))) is not None:
                return found
            if reading.values == ("boolean" if isinstance(cell, bool) else "number"):
                return text
        raise UnreadableError(f"must be text, not {kind_of(cell)}")

    return read


def _free_text(reading: Reading) -> Callable[[Cell], Value]:
    """Return what reads free text: a blank one is a text, however little it says."""
    marks = reading.marks - {""}

    def read(cell: Cell) -> Value:
        if isinstance(cell, str):
            return None if cell.strip() in marks else cell
        if _absent(cell):
            return None
        if not isinstance(cell, bool | int | float):
            raise UnreadableError(f"must be text, not {kind_of(cell)}")
        return written(cell)

    return read


def _as_known(reading: Reading, categories: Iterable[str], known: Mapping[Any, str]) -> Callable[[str], str]:
    """Return what finds the category that another text is: codes stay what they are, letter by letter."""
    own = frozenset(categories)
    whole = all(_WHOLE(category) for category in own)

    def find(text: str) -> str:
        if reading.values in ("boolean", "datetime"):
            return known.get(_key(reading, text), text)
        # Who saves whole numbers with a gap gets 1.0 for 1.
        bare = text[:-2] if whole and text.endswith(".0") else text
        return bare if bare in own else text

    return find


def _by_value(reading: Reading, categories: Iterable[str]) -> dict[Any, str]:
    """Return the categories by what they mean, where no two mean the same."""
    found: dict[Any, list[str]] = {}
    for category in categories:
        key = _key(reading, category)
        if key is not None:
            found.setdefault(key, []).append(category)
    return {key: names[0] for key, names in found.items() if len(names) == 1}


def _key(reading: Reading, cell: Cell) -> Any:
    """Return what a cell means, alike for everything that means the same; none if it is only a text."""
    if not isinstance(cell, str):
        return ("boolean" if isinstance(cell, bool) else "number", cell)
    text = cell.strip()
    for values, parse in ((reading.values, parser(reading)), ("boolean", _TRUTH), ("number", _PLAIN)):
        try:
            if values != "text":
                return (values, parse(text))
        except ValueError:
            continue
    return None


def _described(reading: Reading) -> str:
    """Say how numbers are written, where that is not as usual."""
    marks = f" with a decimal {'comma' if reading.decimal == ',' else 'point'}"
    return marks if reading.decimal == "," or reading.grouping else ""


def kind_of(value: Any) -> str:
    """Return what a value of JSON is, as a sentence says it."""
    if value is None:
        return "null"
    kinds = {bool: "true or false", str: "text", list: "a list"}
    return kinds.get(type(value), "an object" if isinstance(value, dict) else "a number")


def quote(text: str) -> str:
    """Return a caller's text as an error may repeat it: short, and valid Unicode."""
    shown = text if len(text) <= QUOTED else f"{text[:QUOTED]}…"
    return repr(shown.encode("utf-8", "backslashreplace").decode())


_WHOLE = re.compile(r"-?[0-9]+").fullmatch
_PLAIN, _TRUTH = parser(Reading(values="number")), parser(Reading(values="boolean"))

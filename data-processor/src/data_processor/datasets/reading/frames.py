"""Whole data frames in one JSON object: by columns, by rows, split, as a table, or wrapped in a field."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from data_processor.datasets.reading.kinds import Row, kind_of
from data_processor.datasets.reading.refusals import RefusedFileError, shown
from data_processor.datasets.reading.source import check_width

FORMS = (
    "a JSON dataset is a list of objects, [{…}, {…}], one object per line, or a data frame as pandas writes "
    'it with orient="split" or orient="columns"'
)
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Frame:
    """A table in memory, by its columns or by its rows."""

    names: Sequence[str]
    by_rows: Sequence[Sequence[Any]] | None = None
    by_columns: Sequence[Sequence[Any]] | None = None
    labels: list[Any] | None = None
    """The index: a label of each row."""
    notes: list[str] = field(default_factory=list)

    def rows(self) -> Iterator[Row]:
        """Yield the rows."""
        return iter(self.by_rows) if self.by_rows is not None else zip(*(self.by_columns or ()), strict=True)


def frame_of(document: Mapping[str, Any]) -> Frame:
    """Return the table that an object holds. Raises `RefusedFileError`, naming the forms that are read."""
    if {"columns", "data"} <= document.keys() and isinstance(document["data"], list):
        return _split(document)
    if {"schema", "data"} <= document.keys() and isinstance(document["data"], list):
        return _table(document)
    values = list(document.values())
    lists = [name for name, value in document.items() if isinstance(value, list)]
    if len(lists) == 1 and _are_objects(document[lists[0]]):
        frame = _records(document[lists[0]])
        frame.notes.append(f"The rows are the list in the field {shown(lists[0])}.")
        return frame
    if all(isinstance(value, list) for value in values):
        return _lists(document)
    if all(isinstance(value, dict) for value in values):
        return _nested(document)
    raise RefusedFileError(f"The file is one JSON object whose fields are no table: {FORMS}.")


def _split(document: Mapping[str, Any]) -> Frame:
    names, data, labels = document["columns"], document["data"], document.get("index")
    if not isinstance(names, list) or any(isinstance(name, dict | list) for name in names):
        raise RefusedFileError(
            "The field 'columns' is not a list of names: write a frame with one row of names."
        )
    for number, row in enumerate(data, 1):
        if not isinstance(row, list) or len(row) != len(names):
            raise RefusedFileError(f"Row {number} in the field 'data' is not a list of {len(names)} values.")
    if labels is not None and (not isinstance(labels, list) or len(labels) != len(data)):
        raise RefusedFileError(f"The field 'index' is not a list of {len(data)} labels, one for each row.")
    return Frame([str(name) for name in names], by_rows=data, labels=_labels(labels))


def _table(document: Mapping[str, Any]) -> Frame:
    frame = _records(document["data"])
    schema = document["schema"] if isinstance(document["schema"], dict) else {}
    key = schema.get("primaryKey")
    if not isinstance(key, list) or len(key) != 1 or key[0] not in frame.names or len(frame.names) == 1:
        return frame
    place = frame.names.index(key[0])
    rows = frame.by_rows or []
    return Frame(
        [name for name in frame.names if name != key[0]],
        by_rows=[[*row[:place], *row[place + 1 :]] for row in rows],
        labels=[row[place] for row in rows],
        notes=frame.notes,
    )


def _records(rows: Sequence[Any]) -> Frame:
    names: dict[str, None] = {}
    for number, row in enumerate(rows, 1):
        if not isinstance(row, dict):
            raise RefusedFileError(f"Row {number} is not an object: {FORMS}.")
        names |= dict.fromkeys(row)
        check_width(len(names))
    return Frame(list(names), by_rows=[[row.get(name) for name in names] for row in rows])


def _lists(document: Mapping[str, Any]) -> Frame:
    check_width(len(document))
    sizes = {name: len(values) for name, values in document.items()}
    if len(set(sizes.values())) > 1:
        told = ", ".join(f"{shown(name)} has {size}" for name, size in list(sizes.items())[:_SHOWN])
        raise RefusedFileError(
            f"The columns are not of the same length: {told}. Give each a value for every row."
        )
    return Frame(list(document), by_columns=list(document.values()))


def _nested(document: Mapping[str, Mapping[str, Any]]) -> Frame:
    """Return a frame of objects in an object: columns with a value for each row, or rows."""
    inner = list({key: None for one in document.values() for key in one})
    outer = list(document)
    by_column = _hold_columns(outer, inner, document)
    if by_column is None:
        raise RefusedFileError(
            "The file is one JSON object of objects, which may be its columns or its rows: save it as a list "
            'of objects, or with orient="split", which tells them apart.'
        )
    if by_column:
        check_width(len(outer))
        columns = [[document[name].get(row) for row in inner] for name in outer]
        return Frame(outer, by_columns=columns, labels=_labels(inner))
    check_width(len(inner))
    rows = [[document[label].get(name) for name in inner] for label in outer]
    return Frame(inner, by_rows=rows, labels=_labels(outer))


def _hold_columns(
    outer: Sequence[str], inner: Sequence[str], document: Mapping[str, Mapping[str, Any]]
) -> bool | None:
    """Tell whether the outer objects are columns; None if they may as well be rows.

    Rows are counted, from 0; else each column holds values of one kind, and each row of several.
    """
    counted = [keys == list(map(str, range(len(keys)))) for keys in map(list, (outer, inner))]
    if counted[0] != counted[1]:
        return counted[1]
    alike = [
        all(_alike(document[name].values()) for name in outer),
        all(_alike(one.get(key) for one in document.values()) for key in inner),
    ]
    return alike[0] if alike[0] != alike[1] else None


def _alike(values: Any) -> bool:
    return len({kind_of(value) for value in values if not isinstance(value, dict | list)} - {"empty"}) <= 1


def _labels(found: list[Any] | None) -> list[Any] | None:
    return found or None


def _are_objects(values: Sequence[Any]) -> bool:
    return bool(values) and all(isinstance(value, dict) for value in values)

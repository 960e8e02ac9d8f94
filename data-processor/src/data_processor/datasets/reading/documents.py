"""JSON: a list of objects, one object per line, or a whole data frame as pandas writes it."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from data_processor.datasets.reading.encodings import check_encoding, find_encoding
from data_processor.datasets.reading.frames import FORMS, Frame, frame_of
from data_processor.datasets.reading.header import names_columns
from data_processor.datasets.reading.json_stream import MAX_VALUE, JsonStream, NotJsonError
from data_processor.datasets.reading.kinds import Row
from data_processor.datasets.reading.naming import choose_index, made_up_names, name_of
from data_processor.datasets.reading.records import plain, write_rows
from data_processor.datasets.reading.refusals import RefusedFileError, shown
from data_processor.datasets.reading.remarks import choose_header
from data_processor.datasets.reading.source import Hints, Source, check_width

MAX_FRAME_BYTES = 64 * 1024 * 1024
"""A document that is no sequence of rows has to be in memory as a whole."""
_UTF8 = ("utf-8", "utf-8-sig")
_HEAD_ROWS = 200


def read_json(source: Path, target: Path, hints: Hints) -> Source:
    """Write a JSON file's table to `target` as Parquet. Raises `RefusedFileError`."""
    encoding = hints.encoding or find_encoding(source)
    if encoding != "utf-8" or hints.encoding:
        encoding = check_encoding(source, encoding)
    found = Source("json", encoding=encoding)
    if encoding not in _UTF8:
        found.notes.append(f"The file is encoded in {encoding}; JSON is usually in UTF-8.")
    try:
        stream = JsonStream(source, encoding)
        if stream.first_character() == "[":
            _write_list(stream, target, hints, found)
        elif (document := _only_object(stream, source, encoding)) is not None:
            _write_frame(frame_of(document), target, hints, found)
        else:
            _write_objects(stream, target)
    except NotJsonError as error:
        raise RefusedFileError(f"The file is not valid JSON ({error}): {FORMS}.") from error
    return found


def _only_object(stream: JsonStream, source: Path, encoding: str) -> Mapping[str, Any] | None:
    """Return the object that is the whole file, unless it is a row: all its values are single ones."""
    small = source.stat().st_size <= MAX_FRAME_BYTES
    values = (JsonStream(source, encoding, longest=MAX_FRAME_BYTES) if small else stream).values()
    try:
        first = next(values, None)
        if not isinstance(first, dict) or not any(isinstance(value, dict | list) for value in first.values()):
            return None
        return first if next(values, None) is None else None
    except RefusedFileError as error:
        raise RefusedFileError(
            f"Its first JSON object has more than {MAX_VALUE // 1024**2} million characters. A data frame in "
            f"one object is read up to {MAX_FRAME_BYTES // 1024**2} MB: write a list, or one object per line."
        ) from error


def _write_objects(stream: JsonStream, target: Path) -> None:
    names: dict[str, None] = {}
    for number, found in enumerate(stream.values(), 1):
        if not isinstance(found, dict):
            raise RefusedFileError(f"Row {number} is {_briefly(found)}, not an object: {FORMS}.")
        names |= dict.fromkeys(found)
        check_width(len(names))
        for name, value in found.items():
            _check_single(name, value, number)

    def rows() -> Iterator[Row]:
        for found in stream.values():
            yield [plain(found.get(name)) for name in names]

    if not names:
        raise RefusedFileError(f"The file contains no object: {FORMS}.")
    if len({name.strip() for name in names}) < len(names):
        raise RefusedFileError("Two fields differ only in the spaces around their names: rename one of them.")
    write_rows([name.strip() for name in names], rows, target)


def _write_list(stream: JsonStream, target: Path, hints: Hints, source: Source) -> None:
    first = next(stream.values(), None)
    if not isinstance(first, list):
        _write_objects(stream, target)
        return
    head: list[list[Any]] = []
    for number, row in enumerate(stream.values(), 1):
        if not isinstance(row, list) or len(row) != len(first):
            what = f"has {len(row)} values" if isinstance(row, list) else f"is {_briefly(row)}"
            raise RefusedFileError(
                f"Row {number} {what}, but the first row is a list of {len(first)} values."
            )
        for place, value in enumerate(row, 1):
            _check_single(place, value, number)
        if len(head) < _HEAD_ROWS:
            head.append(row)
    header = names_columns(head[0], head[1:]) if hints.header is None else hints.header
    source.header = header
    source.choices += choose_header(first, hints, header=header)
    names = [name_of(cell) for cell in first] if header else made_up_names(len(first))

    def rows() -> Iterator[Row]:
        for number, row in enumerate(stream.values()):
            if number or not header:
                yield [plain(value) for value in row]

    write_rows(names, rows, target)


def _write_frame(frame: Frame, target: Path, hints: Hints, source: Source) -> None:
    source.notes += frame.notes
    names, labels = list(frame.names), frame.labels
    if labels is not None:
        counted = labels in (list(range(len(labels))), list(map(str, range(len(labels)))))
        leave = hints.index == "drop" if hints.index else counted
        if not counted or hints.index:
            source.notes.append(
                "The index of the data frame was left out." if leave else "The index became a column."
            )
        source.choices.append(choose_index(hints, "the index of the data frame", leave=leave))
        if leave:
            labels = None
        else:
            names.insert(0, "index" if "index" not in names else made_up_names(1)[0])
    for number, row in enumerate(frame.rows(), 1):
        for name, value in zip(frame.names, row, strict=True):
            _check_single(name, value, number)

    def rows() -> Iterator[Row]:
        for number, row in enumerate(frame.rows()):
            values = [plain(value) for value in row]
            yield values if labels is None else [plain(labels[number]), *values]

    write_rows([name.strip() for name in names], rows, target)


def _check_single(name: str | int, value: Any, number: int) -> None:
    if isinstance(value, dict | list):
        raise RefusedFileError(
            f"Field {shown(name)} of row {number} holds {_briefly(value)}; "
            "a field of a table holds a single value: flatten it first."
        )


def _briefly(value: Any) -> str:
    """Return a value short enough for a sentence, without writing all of it out first."""
    if isinstance(value, list):
        return "a list"
    return "an object" if isinstance(value, dict) else shown(value)

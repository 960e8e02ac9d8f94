"""JSON: a list of objects, or one object per line."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import ijson

from data_processor.datasets.reading.records import Row, plain, write_rows
from data_processor.datasets.reading.refusals import RefusedFileError, shown
from data_processor.datasets.reading.source import Source, check_width

MAX_LINE = 8 * 1024 * 1024
"""Characters of one object in a file of lines."""
_FORM = "a JSON dataset is a list of objects, [{…}, {…}], or one object per line"


def read_json(source: Path, target: Path) -> Source:
    """Write a JSON file's table to `target` as Parquet. Raises `RefusedFileError`."""
    with source.open("rb") as file:
        head = file.read(4096).removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    listed = head == b"["
    names: dict[str, None] = {}
    for number, found in _objects(source, listed=listed):
        names |= dict.fromkeys(found)
        check_width(len(names))
        for name, value in found.items():
            if isinstance(value, dict | list):
                raise RefusedFileError(
                    f"Field {shown(name)} of row {number} holds {shown(value)}; "
                    "a field of a table holds a single value: flatten it first."
                )

    def rows() -> Iterator[Row]:
        for _, found in _objects(source, listed=listed):
            yield [plain(found.get(name)) for name in names]

    if len({name.strip() for name in names}) < len(names):
        raise RefusedFileError("Two fields differ only in the spaces around their names: rename one of them.")
    if not names:
        raise RefusedFileError(f"The file contains no object: {_FORM}.")
    write_rows([name.strip() for name in names], rows, target)
    return Source("json", encoding="utf-8")


def _objects(source: Path, *, listed: bool) -> Iterator[tuple[int, Mapping[str, Any]]]:
    try:
        with source.open("rb") as file:
            if file.read(3) != b"\xef\xbb\xbf":
                file.seek(0)
            found = ijson.items(file, "item", use_float=True) if listed else _lines(file)
            for number, one in enumerate(found, 1):
                if not isinstance(one, dict):
                    raise RefusedFileError(f"Row {number} is {shown(one)}, not an object: {_FORM}.")
                yield number, one
    except (ijson.JSONError, json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        said = str(error).splitlines()[0][:120]
        raise RefusedFileError(f"The file is not valid JSON ({said}): {_FORM}, in UTF-8.") from error


def _lines(file: Any) -> Iterator[Any]:
    while line := file.readline(MAX_LINE + 1):
        if len(line) > MAX_LINE:
            raise RefusedFileError(f"A line is longer than {MAX_LINE // 1024 // 1024} MB: {_FORM}.")
        if line.strip():
            yield json.loads(line)

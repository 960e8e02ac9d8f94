"""How a CSV is written: what separates its columns, and where its table is."""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from data_processor.datasets.reading.kinds import Row, filled
from data_processor.datasets.reading.refusals import RefusedFileError
from data_processor.datasets.reading.remarks import separator_in
from data_processor.datasets.reading.source import Choice, Hints
from data_processor.datasets.reading.structure import find_structure

DELIMITERS = (",", ";", "\t", "|", ":", "^", "~")
"""The more usual first: of two that explain a file equally well, the first is meant."""
SAMPLE_CHARACTERS = 128 * 1024
SAMPLE_ROWS = 200
TAIL_BYTES = 64 * 1024
"""Of a long file, the end is searched for totals and notes."""
MAX_CELL = 8 * 1024 * 1024
_CLEAN = re.compile(r"[+-]?[\d.,  ]*\d([eE][+-]?\d+)?%?|[^,;\t|^~]*")


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one CSV is written."""

    delimiter: str
    header: bool
    names: tuple[str, ...]
    """From the header, empty where it has none; or made up: `column_1`, `column_2` …"""
    skipped: int = 0
    """Rows before the first one of values, empty ones counted: a title, comments, the names."""
    footer: tuple[Row, ...] = ()
    """The rows below the table, which are none of it."""
    notes: tuple[str, ...] = ()
    choices: tuple[Choice, ...] = ()


def find_dialect(path: Path, encoding: str, hints: Hints) -> Dialect:
    """Return how a CSV is written; what is given is not guessed. Raises `RefusedFileError`."""
    sample, more = _sample(path, encoding)
    delimiter = hints.delimiter or separator_in(sample.split("\n", 1)[0]) or _find_delimiter(sample)
    head = _numbered(sample, delimiter)
    if not head:
        raise RefusedFileError("The file is empty: it has no rows.")

    def last_rows(above: int) -> list[Row]:
        if more:
            return _last_rows(path, encoding, delimiter)
        return [row for number, row in _numbered(sample, delimiter, len(sample)) if number > above]

    found = find_structure(head, last_rows, hints)
    return Dialect(
        delimiter,
        found.header,
        found.names,
        found.first if found.header else found.first - 1,
        found.footer,
        found.notes,
        found.choices,
    )


def cells_of(line: str, delimiter: str) -> Row:
    """Return the cells of one line, as they are in a dialect's footer."""
    return next(csv.reader([line.strip("\r\n")], delimiter=delimiter), [])


def _sample(path: Path, encoding: str) -> tuple[str, bool]:
    """Return the first lines of a file, whole ones if there are any, and whether there are more."""
    with path.open(encoding=encoding, newline="", errors="replace") as file:
        sample = file.read(SAMPLE_CHARACTERS)
        more = bool(file.read(1))
    if more and "\n" in sample:
        sample = sample[: sample.rindex("\n") + 1]
    return sample.removeprefix("\ufeff"), more


def _last_rows(path: Path, encoding: str, delimiter: str) -> list[Row]:
    """Return the rows at the end of a long file, without the first one, of which a part may be missing."""
    with path.open("rb") as file:
        start = file.read(4)
        # Nothing encodes a character in more than four bytes, or in pieces that are not aligned in a file.
        file.seek((path.stat().st_size - TAIL_BYTES) // 4 * 4)
        end = file.read()
    if encoding in ("utf-16", "utf-32"):  # their mark is at the beginning
        big = start[:1] in (b"\xfe", b"\0")
        encoding = f"{encoding}-{'be' if big else 'le'}"
    text = end.decode(encoding, errors="replace")
    lines = re.split(r"\r\n|\r|\n", text)[1:]
    return [row for _, row in _numbered("\n".join(lines), delimiter, len(lines))]


def _numbered(sample: str, delimiter: str, most: int = SAMPLE_ROWS) -> list[tuple[int, Row]]:
    """Return the first rows that hold anything, with their numbers."""
    rows: list[tuple[int, Row]] = []
    for number, row in enumerate(_parsed(sample, delimiter), 1):
        if filled(row):
            rows.append((number, row))
        if len(rows) == most:
            break
    return rows


def _find_delimiter(sample: str) -> str:
    best, delimiter = 0.0, ","
    for candidate in DELIMITERS:
        score = _score(sample, candidate)
        if score > best:
            best, delimiter = score, candidate
    return delimiter


def _score(sample: str, delimiter: str) -> float:
    """Return how well a delimiter explains a sample: rows of one width, cells that look like one value."""
    rows = _rows(sample, delimiter)
    if not rows:
        return 0.0
    width, times = Counter(len(row) for row in rows).most_common(1)[0]
    if width == 1:
        return 0.0
    cells = [cell for row in rows if len(row) == width for cell in row]
    clean = sum(1 for cell in cells if _CLEAN.fullmatch(cell.strip())) / len(cells)
    return (times / len(rows)) ** 2 * (0.2 + 0.8 * clean)


def _rows(sample: str, delimiter: str) -> list[Row]:
    return [row for _, row in _numbered(sample, delimiter)]


def _parsed(sample: str, delimiter: str) -> Iterator[list[str]]:
    csv.field_size_limit(MAX_CELL)
    try:
        yield from csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter)
    except csv.Error:
        return

"""How a CSV is written: what separates its columns, and whether its first line names them."""

import csv
import io
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from data_processor.datasets.reading.refusals import RefusedFileError
from data_processor.features.reading import USUAL_MARKS

DELIMITERS = (",", ";", "\t", "|", ":", "^", "~")
"""The more usual first: of two that explain a file equally well, the first is meant."""
SAMPLE_CHARACTERS = 128 * 1024
SAMPLE_ROWS = 200
MAX_CELL = 8 * 1024 * 1024
_CLEAN = re.compile(r"[+-]?[\d.,  ]*\d([eE][+-]?\d+)?%?|[^,;\t|^~]*")
_NUMBER = re.compile(r"[+-]?(\d[\d.,  ]*|[.,]\d+)([eE][+-]?\d+)?%?")
_DATE = re.compile(r"\d{1,4}[-./]\d{1,2}[-./]\d{1,4}([T ].*)?")


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one CSV is written."""

    delimiter: str
    header: bool
    names: tuple[str, ...]
    """From the header, or made up: `column_1`, `column_2` …"""


def find_dialect(
    path: Path, encoding: str, *, delimiter: str | None = None, header: bool | None = None
) -> Dialect:
    """Return how a CSV is written; what is given is not guessed. Raises `RefusedFileError`."""
    sample = _sample(path, encoding)
    if delimiter is None:
        delimiter = _find_delimiter(sample)
    rows = _rows(sample, delimiter)
    if not rows:
        raise RefusedFileError("The file is empty: it has no rows.")
    has_header = _has_header(rows) if header is None else header
    names = tuple(name.strip() for name in rows[0]) if has_header else made_up_names(len(rows[0]))
    return Dialect(delimiter, has_header, names)


def made_up_names(columns: int) -> tuple[str, ...]:
    """Return names for the columns of a table that has none."""
    return tuple(f"column_{number}" for number in range(1, columns + 1))


def _sample(path: Path, encoding: str) -> str:
    """Return the first lines of a file, whole ones if there are any."""
    with path.open(encoding=encoding, newline="", errors="replace") as file:
        sample = file.read(SAMPLE_CHARACTERS)
        more = bool(file.read(1))
    if more and "\n" in sample:
        sample = sample[: sample.rindex("\n") + 1]
    return sample.removeprefix("\ufeff")


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


def _rows(sample: str, delimiter: str) -> list[list[str]]:
    csv.field_size_limit(MAX_CELL)
    rows = []
    try:
        for row in csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter):
            if row:
                rows.append(row)
            if len(rows) == SAMPLE_ROWS:
                break
    except csv.Error:
        return rows
    return rows


def _has_header(rows: list[list[str]]) -> bool:
    """Tell whether the first row names the columns: words that are not values of the rows below."""
    first = [cell.strip() for cell in rows[0]]
    if any(cell in USUAL_MARKS for cell in first):
        return False
    if any(_is_value(cell) for cell in first):
        return False
    below = [row for row in rows[1:] if len(row) == len(first)]
    if not below:
        return True
    repeated = sum(1 for place, name in enumerate(first) if any(row[place].strip() == name for row in below))
    return repeated * 2 < len(first)


def _is_value(cell: str) -> bool:
    return bool(_NUMBER.fullmatch(cell) or _DATE.fullmatch(cell))

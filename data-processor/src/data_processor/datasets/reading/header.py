"""Whether a row names the columns: it differs in kind from the rows below it."""

import re
from collections.abc import Sequence
from typing import Any

from data_processor.datasets.reading.kinds import CellKind, Row, is_blank, kind_of

_MOSTLY = 0.8
"""A column is of a kind if this share of its known cells are."""
_WHOLE = re.compile(r"0|[1-9]\d{0,8}")
_DIGIT = re.compile(r"\d")
_BLANK = re.compile(r"\S\s+\S")
_YEARS = range(1900, 2101)
_RUN = 3
"""So many names that count on from 0 or 1 are no row of values by chance."""


def names_columns(first: Row, below: Sequence[Row]) -> bool:
    """Tell whether a row names the columns of the rows below it.

    Words over numbers are names, and so are dates over numbers, or words that are in none of the rows below
    where values repeat. Numbers over numbers are values, unless they count on as names do: years, or 0, 1,
    2 … as pandas names columns.
    """
    width = len(first)
    rows = [row for row in below if len(row) == width]
    if any(not is_blank(cell) and kind_of(cell) == "empty" for cell in first):
        return False  # a mark for a missing value
    columns = [[row[place] for row in rows] for place in range(width)]
    counted = _counted(first, columns)
    total = 0.5 * _RUN if counted and len(counted) >= _RUN else 0.0
    for place, cell in enumerate(first):
        total += 0.0 if place in counted else _evidence(cell, columns[place])
    if total:
        return total > 0
    return all(kind_of(cell) in ("text", "empty") for cell in first) or len(counted) > 1


def looks_like_values(row: Row) -> bool:
    """Tell whether some cells of a header are numbers, dates or truths, so that it may be a row of values."""
    return any(kind_of(cell) in ("number", "date", "truth") for cell in row)


def _evidence(cell: Any, column: list[Any]) -> float:
    """Return what one column says for its first cell being a name, and against it if that is negative."""
    own = kind_of(cell)
    known = [value for value in column if kind_of(value) != "empty"]
    if own == "empty" or not known:
        return 0.0
    kinds = [kind_of(value) for value in known]
    usual = _usual(kinds)
    if own != "text":
        # A number, date or truth over cells none of which is one.
        return 1.0 if own not in kinds else -1.0 if usual == own else 0.0
    if usual is not None and usual != "text":
        return 1.0
    texts = [str(value).strip() for value in known]
    if str(cell).strip() in texts:
        return -1.0
    repeated = len(set(texts)) * 2 <= len(texts)
    return 0.5 if repeated or _is_unlike(str(cell), texts) else 0.0


def _is_unlike(name: str, texts: list[str]) -> bool:
    """Tell whether a word lacks the digits, or the blanks, that almost all texts below it have."""
    for pattern in (_DIGIT, _BLANK):
        if not pattern.search(name) and sum(map(bool, map(pattern.search, texts))) >= _MOSTLY * len(texts):
            return True
    return False


def _usual(kinds: list[CellKind]) -> CellKind | None:
    """Return the kind that almost all cells of a column are, if there is one."""
    for kind in ("number", "date", "truth", "text"):
        if kinds.count(kind) >= _MOSTLY * len(kinds):
            return kind
    return None


def _counted(first: Row, columns: list[list[Any]]) -> set[int]:
    """Return the places of whole numbers that count on, as names made of numbers do.

    They are numbers over numbers, one more than the one before: from 0 or 1, or years over what is no year.
    """
    numbers = {place: _whole(cell) for place, cell in enumerate(first) if kind_of(cell) == "number"}
    if not numbers or None in numbers.values():
        return set()
    values = [value for value in numbers.values() if value is not None]
    if values != list(range(values[0], values[0] + len(values))):
        return set()
    cells = [_whole(cell) for place in numbers for cell in columns[place]]
    if all(value in _YEARS for value in values):
        return set() if any(cell in _YEARS for cell in cells) else set(numbers)
    if values[0] in (0, 1) and (len(values) >= _RUN or None in cells):
        return set(numbers)
    return set()


def _whole(cell: Any) -> int | None:
    if isinstance(cell, float) and cell.is_integer():
        return int(cell)
    if isinstance(cell, int) and not isinstance(cell, bool):
        return cell
    text = str(cell).strip()
    return int(text) if _WHOLE.fullmatch(text) else None

"""What a single cell looks like, before any column is read: enough to tell names from values."""

import datetime as dt
import re
from collections.abc import Sequence
from typing import Any, Literal

from data_processor.features.reading import ALWAYS_MISSING, USUAL_MARKS

Row = Sequence[Any]
"""The cells of a row: texts of a CSV, values of a sheet or of a JSON document."""
CellKind = Literal["empty", "number", "date", "truth", "text"]
_NUMBER = re.compile(r"[+-]?(\d[\d.,  \u202f']*|[.,]\d+)([eE][+-]?\d+)?%?")
_DATE = re.compile(r"\d{1,4}[-./]\d{1,2}[-./]\d{1,4}([T ].*)?")
_GROUPS = re.compile(r"[  \u202f'%]")


def kind_of(cell: Any) -> CellKind:  # noqa: PLR0911  # one for each kind of value
    """Return what a cell looks like."""
    if cell is None or (isinstance(cell, float) and cell != cell):  # noqa: PLR0124  # that is what NaN is
        return "empty"
    if isinstance(cell, bool):
        return "truth"
    if isinstance(cell, int | float):
        return "number"
    if isinstance(cell, dt.date | dt.time | dt.timedelta):
        return "date"
    text = str(cell).strip()
    if text in USUAL_MARKS or text in ALWAYS_MISSING:
        return "empty"
    if _DATE.fullmatch(text):
        return "date"
    return "number" if _NUMBER.fullmatch(text) else "text"


def is_blank(cell: Any) -> bool:
    """Tell whether there is nothing in a cell, not even a mark for a missing value."""
    return cell is None or (isinstance(cell, str) and not cell.strip())


def filled(row: Row) -> int:
    """Return how many cells of a row hold anything."""
    return sum(not is_blank(cell) for cell in row)


def magnitude(cell: Any) -> float | None:
    """Return how large a number is, about: whatever its decimal mark; None for what is no number."""
    if kind_of(cell) != "number":
        return None
    if isinstance(cell, int | float):
        return abs(float(cell)) if abs(cell) < 1e300 else None  # noqa: PLR2004  # longer than a float is
    text = _GROUPS.sub("", str(cell).strip()).lstrip("+-")
    whole, mark = text, max(text.rfind("."), text.rfind(","))
    if mark >= 0:
        rest = text[mark + 1 :]
        grouped = text.count(text[mark]) > 1
        head = re.sub(r"[.,]", "", text[:mark])
        whole = f"{head}{rest}" if grouped else f"{head}.{rest}"
    try:
        return float(whole)
    except ValueError:
        return None

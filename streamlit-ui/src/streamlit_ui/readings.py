"""How the cells of a column are read: in words, and what somebody changed about it."""

from collections.abc import Sequence
from typing import Any

from streamlit_ui.contract.types import DatasetProposal, ProposedColumn, Reading
from streamlit_ui.text import number, plural

_DATE_CODES = {
    "%Y": "YYYY",
    "%m": "MM",
    "%d": "DD",
    "%H": "hh",
    "%M": "mm",
    "%S": "ss",
    "%y": "YY",
    "%b": "month",
    "%a": "weekday",
    "%I": "hh",
    "%p": "am/pm",
    "%z": "zone",
}
_GROUPS = {" ": "blanks", "'": "apostrophes", ",": "commas", ".": "points"}
_NAMED = 3


def label(reading: Reading | None) -> str | None:
    """Return a reading in words: `Number, decimal comma`."""
    if reading is None:
        return None
    if reading["values"] == "datetime":
        return without_codes(reading.get("format") or "")
    if reading["values"] != "number":
        return {"boolean": "True or false", "text": "Text"}[reading["values"]]
    grouping, unit = reading.get("grouping"), reading.get("unit")
    parts = [
        "Number",
        *(["decimal comma"] if reading.get("decimal") == "," else []),
        *([f"{_GROUPS[grouping]} between thousands"] if grouping else []),
        *([f"with {unit}"] if unit else []),
    ]
    return ", ".join(parts)


def labels(proposal: DatasetProposal) -> list[str]:
    """Return every way in which a column of a file can be read, in words."""
    every = [label(one["reading"]) for column in proposal["columns"] for one in column.get("readings") or []]
    return list(dict.fromkeys(one for one in every if one))


def said(column: ProposedColumn, chosen: str | None) -> dict[str, Any]:
    """Return what a choice among the readings of a column says of it; nothing, if it has no such reading."""
    for one in column.get("readings") or []:
        reading = one["reading"]
        if label(reading) == chosen and reading["values"] == "number":
            return {"decimal": reading.get("decimal")}
        if label(reading) == chosen and reading["values"] == "datetime":
            return {"format": reading.get("format")}
    return {}


def proposed_marks(column: ProposedColumn) -> tuple[str, ...]:
    """Return the texts of a column that would count as missing."""
    reading = column.get("reading")
    counted = reading.get("missing") or () if reading else ()
    return tuple(mark for mark in column.get("marks") or {} if mark in counted)


def marks(column: ProposedColumn, chosen: Sequence[str]) -> list[str]:
    """Return every mark of a missing value, if these are to be the ones of the file."""
    reading = column.get("reading")
    usual = reading.get("missing") or () if reading else ()
    found = column.get("marks") or {}
    return [*dict.fromkeys([*(mark for mark in usual if mark not in found), *chosen])] if chosen else []


def unreadable(column: ProposedColumn) -> int:
    """Return how many cells cannot be read as the others: of the proposed reading, else of any."""
    return max((one["unreadable"] for one in column.get("readings") or []), default=0)


def unreadable_cells(proposal: DatasetProposal) -> list[str]:
    """Return a line for each column that is proposed in spite of cells that cannot be read so."""
    lines = []
    for column in proposal["columns"]:
        first = next(iter(column.get("readings") or []), None)
        if first is None or not first["unreadable"]:
            continue
        cells = [f"“{cell['text']}” in row {number(cell['row'])}" for cell in first["cells"][:_NAMED]]
        more = first["unreadable"] - len(cells)
        listed = ", ".join(cells) + (f" and {number(more)} more" if more else "")
        lines.append(f"{column['name']}: {plural(first['unreadable'], 'cell')}, {listed}")
    return lines


def without_codes(text: str) -> str:
    """Return a sentence with the form of a date as people write it: `%Y-%m-%d` → `YYYY-MM-DD`."""
    for code, written in _DATE_CODES.items():
        text = text.replace(code, written)
    return text

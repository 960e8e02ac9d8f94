"""What is said about where the table of a file was found, and which other reading is offered."""

import re
from collections.abc import Sequence

from data_processor.datasets.reading.header import looks_like_values
from data_processor.datasets.reading.kinds import Row, is_blank, kind_of
from data_processor.datasets.reading.naming import name_of
from data_processor.datasets.reading.refusals import counted, shown
from data_processor.datasets.reading.source import Choice, Hints

_SEPARATOR_LINE = re.compile(r"sep=([^\w\"]?)", re.IGNORECASE)
_SHOWN = 3


def names_separator(row: Row) -> bool:
    """Tell whether a row is the line with which Excel names the separator, `sep=;`."""
    # Read with that separator, it is a cell `sep=` and an empty one.
    return bool(_SEPARATOR_LINE.fullmatch(str(row[0]).strip())) and all(is_blank(cell) for cell in row[1:])


def separator_in(line: str) -> str | None:
    """Return the separator that a line names, if it is such a line."""
    found = _SEPARATOR_LINE.fullmatch(line.strip("\r\n"))
    return found[1] or None if found else None


def notes(above: Sequence[Row], first: Row, footer: Sequence[Row], *, header: bool) -> list[str]:
    """Say what was left out above and below the table, and which names are none by their looks."""
    said = []
    if any(names_separator(row) for row in above):
        said.append("The first line only names the separator: it was left out.")
    titles = [row for row in above if not names_separator(row)]
    if titles:
        said.append(f"{_rows(len(titles), 'above')} left out: {_quoted(titles)}.")
    if header and looks_like_values(first):
        unusual = [name_of(cell) for cell in first if kind_of(cell) in ("number", "date", "truth")]
        listed = ", ".join(shown(name) for name in unusual[:_SHOWN]) + (" …" if len(unusual) > _SHOWN else "")
        said.append(f"The first row was taken for names, although it holds values such as {listed}.")
    if footer:
        said.append(f"{_rows(len(footer), 'below')} left out, as a total or a note: {_quoted(footer)}.")
    return said


def choices(
    above: Sequence[Row],
    first: Row,
    footer: Sequence[Row],
    width: int,
    hints: Hints,
    *,
    header: bool,
) -> list[Choice]:
    """Offer the other reading of what could mean two things."""
    offered = []
    if hints.skip_rows is not None:
        offered.append(Choice("skip_rows", hints.skip_rows, None, "Look for the table again"))
    elif any(len(row) == width and not names_separator(row) for row in above):
        offered.append(Choice("skip_rows", None, 0, "Take the rows above it for a part of the table"))
    offered += choose_header(first, hints, header=header)
    if hints.skip_footer is not None:
        offered.append(Choice("skip_footer", hints.skip_footer, None, "Look for a total again"))
    elif footer and all(len(row) == width for row in footer):
        offered.append(Choice("skip_footer", None, 0, "Take the last rows for a part of the table"))
    return offered


def choose_header(first: Row, hints: Hints, *, header: bool) -> list[Choice]:
    """Offer the other reading of the first row, unless it names the columns in words."""
    if hints.header is None and header and not looks_like_values(first):
        return []
    label = "The first row holds values" if header else "The first row names the columns"
    return [Choice("header", hints.header, not header, label)]


def _rows(count: int, where: str) -> str:
    return (
        f"The row {where} the table was" if count == 1 else f"{counted(count, 'row')} {where} the table were"
    )


def _quoted(rows: Sequence[Row]) -> str:
    listed = ", ".join(shown(_line(row)) for row in rows[:_SHOWN])
    return listed + (" …" if len(rows) > _SHOWN else "")


def _line(row: Row) -> str:
    return " ".join(name_of(cell) for cell in row if not is_blank(cell))

"""Where in a file the table is: what stands above and below it, and whether a row names its columns.

One set of rules for every format with rows, whose numbers are those that a spreadsheet program shows.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from data_processor.datasets.reading import remarks
from data_processor.datasets.reading.header import names_columns
from data_processor.datasets.reading.kinds import Row, filled, is_blank
from data_processor.datasets.reading.naming import made_up_names, name_of
from data_processor.datasets.reading.refusals import RefusedFileError
from data_processor.datasets.reading.source import Choice, Hints
from data_processor.datasets.reading.totals import is_note, is_total

Numbered = tuple[int, Row]
"""A row that holds something, with its number in the file, from 1."""

MAX_ABOVE = 50
"""A header further down is not looked for."""
MAX_BELOW = 10
"""Nor are more rows at the end taken for totals and notes."""
_COMMENT = "#"
_TABLE = 1 / 3
"""Rows of the table's width make up at least this share of the first rows."""


@dataclass(frozen=True, slots=True)
class Structure:
    """Where the table of a file is."""

    first: int
    """The number of the row with the names, or of the first row of values."""
    header: bool
    names: tuple[str, ...]
    """From the header, empty where it has none; or made up: `column_1`, `column_2` …"""
    footer: tuple[Row, ...]
    """The rows below the table."""
    notes: tuple[str, ...]
    choices: tuple[Choice, ...]


def find_structure(
    head: Sequence[Numbered], last_rows: Callable[[int], Sequence[Row]], hints: Hints
) -> Structure:
    """Return where the table is, by the first rows of a file; what is given is not guessed.

    `last_rows` returns the last rows of the file below a row. Raises `RefusedFileError`.
    """
    if hints.skip_rows:
        head = _without_first(head, hints.skip_rows)
    width = _width([row for _, row in head])
    place, header = _start(head, width, hints)
    first, row = head[place]
    below = [one for _, one in head[place + 1 :]]
    names = tuple(map(name_of, _aligned(row, below, width))) if header else made_up_names(width)
    footer = _footer(last_rows(first if header else first - 1), width, hints)
    above = [one for _, one in head[:place]]
    notes = remarks.notes(above, row, footer, header=header)
    choices = remarks.choices(above, row, footer, width, hints, header=header)
    return Structure(first, header, names, tuple(footer), tuple(notes), tuple(choices))


def _without_first(head: Sequence[Numbered], skipped: int) -> Sequence[Numbered]:
    left = [one for one in head if one[0] > skipped]
    if not left:
        raise RefusedFileError(
            f"There is no row below the first {skipped}: send a smaller number as skip_rows.",
            field="skip_rows",
        )
    return left


def _width(rows: Sequence[Row]) -> int:
    """Return how many cells the rows of the table have; those above and below it may have fewer."""
    widths = Counter(len(row) for row in rows)
    tables = {width: times for width, times in widths.items() if width > 1 and times >= _TABLE * len(rows)}
    return max(tables or widths, key=lambda width: widths[width])


def _start(head: Sequence[Numbered], width: int, hints: Hints) -> tuple[int, bool]:
    """Return the place of the table's first row, and whether that names the columns."""
    rows = [row for _, row in head]
    if hints.skip_rows is not None:
        return 0, _is_header(rows, 0, width) if hints.header is None else hints.header
    looked = rows[:MAX_ABOVE]
    if hints.header is not False:
        usual = _usually_filled(rows)
        body = next((n for n, row in enumerate(looked) if not _is_above(row, width, usual)), 0)
        # The names may look like a remark: `#id,name`, or a row with fewer cells than those below it.
        for place in range(body, -1, -1):
            if _is_header(rows, place, width):
                return place, True
    plain = next((n for n, row in enumerate(looked) if len(row) == width and not _is_remark(row)), 0)
    lost = next((n for n in range(plain) if filled(rows[n]) > 1 and not _is_remark(rows[n])), None)
    if lost is not None:
        raise RefusedFileError(
            f"Row {head[lost][0]} has {len(rows[lost])} cells, but most rows have {width}: give all of them "
            f"the same number of cells, or leave out the first rows with skip_rows={head[plain][0] - 1}."
        )
    return plain, bool(hints.header)


def _is_header(rows: Sequence[Row], place: int, width: int) -> bool:
    below = [row for row in rows[place + 1 :] if len(row) == width]
    names = _aligned(rows[place], below, width)
    return len(names) == width and not remarks.names_separator(names) and names_columns(names, below)


def _aligned(names: Row, below: Sequence[Row], width: int) -> Row:
    """Return the names of a header, one for each column of the table.

    One name too few is that of the row labels, which R writes first; or the lines end in a separator, except
    the header's. Or only the header's does.
    """
    if all(is_blank(cell) for cell in names[width:]):
        names = names[:width]
    if len(names) != width - 1:
        return names
    ends_empty = all(is_blank(row[-1]) for row in below if len(row) == width)
    return [*names, ""] if ends_empty else ["", *names]


def _is_above(row: Row, width: int, usual: int) -> bool:
    """Tell whether a row may stand above the table: a remark, or a title in one of many columns."""
    return _is_remark(row) or len(row) < width or filled(row) * 2 <= usual


def _is_remark(row: Row) -> bool:
    return str(row[0]).strip().startswith(_COMMENT) or remarks.names_separator(row)


def _usually_filled(rows: Sequence[Row]) -> int:
    """Return how many cells three quarters of the rows fill at most: those of the table fill the most."""
    counts = sorted(filled(row) for row in rows)
    return counts[(3 * len(counts)) // 4]


def _footer(rows: Sequence[Row], width: int, hints: Hints) -> Sequence[Row]:
    """Return the last rows of a file that are none of the table: totals and notes."""
    if hints.skip_footer is not None:
        if hints.skip_footer >= len(rows):
            raise RefusedFileError(
                f"The table has no more than {hints.skip_footer} rows: send a smaller number as skip_footer.",
                field="skip_footer",
            )
        return rows[len(rows) - hints.skip_footer :]
    end = len(rows)
    while end > 1 and len(rows) - end < MAX_BELOW:
        row, above = rows[end - 1], [one for one in rows[: end - 1] if len(one) == width]
        if not above or not (is_note(row, above, width) or is_total(row, above)):
            break
        end -= 1
    return rows[end:]

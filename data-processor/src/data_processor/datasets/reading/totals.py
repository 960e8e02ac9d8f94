"""Rows at the end of a file that sum up its table, or remark on it."""

import re
from collections.abc import Sequence
from typing import Any

from data_processor.datasets.reading.kinds import Row, filled, is_blank, kind_of, magnitude

_TOTAL = re.compile(
    r"((grand|overall)\s+)?(sub-?\s?)?totals?|sums?|average|mean|"
    r"(gesamt|end|zwischen)?(summen?|total)|(ins)?gesamt(ergebnis)?|durchschnitt|mittelwert|"
    r"total\s+g[ée]n[ée]ral|sous-total|somme|moyenne|totale|somma|media|totaal|som|suma|razem|ogółem|"
    r"итого|всего|сумма|合計|总计|合计",
    re.IGNORECASE,
)
_COLON = ":\uff1a"


def is_total(row: Row, above: Sequence[Row]) -> bool:
    """Tell whether the last row sums up the rows above it.

    It says so in a word that its column has nowhere else, and it is unlike the others: that column holds
    numbers or dates elsewhere, or other columns are empty in this row only, or its numbers are the largest.
    """
    place = next((n for n, cell in enumerate(row) if kind_of(cell) == "text"), None)
    if place is None or not _TOTAL.fullmatch(_bare(row[place])):
        return False
    rows = [one for one in above if len(one) > place]
    if any(_bare(one[place]) == _bare(row[place]) for one in rows):
        return False
    others = [n for n in range(len(row)) if n != place]
    if not any(kind_of(row[n]) == "number" for n in others):
        return False
    if all(kind_of(one[place]) != "text" for one in rows):
        return True
    width = len(row)
    full = [one for one in above if len(one) == width]
    if any(is_blank(row[n]) and not any(is_blank(one[n]) for one in full) for n in others):
        return True
    return all(_is_largest(row[n], [one[n] for one in full]) for n in others)


def is_note(row: Row, above: Sequence[Row], width: int) -> bool:
    """Tell whether the last row only remarks on the table: one text, where the rows above hold more."""
    if kind_of(row[0]) != "text" or filled(row) != 1:
        return False
    if len(row) < width:
        return True
    alone = width > 2 and min(filled(one) for one in above) > 1  # noqa: PLR2004  # of two, one may be missing
    return alone and all(_bare(row[0]) != _bare(one[0]) for one in above)


def _is_largest(cell: Any, column: Sequence[Any]) -> bool:
    size = magnitude(cell)
    if size is None:
        return kind_of(cell) == "empty"
    return all(size >= (magnitude(value) or 0.0) for value in column)


def _bare(cell: Any) -> str:
    return str(cell).strip().rstrip(_COLON).strip().casefold()

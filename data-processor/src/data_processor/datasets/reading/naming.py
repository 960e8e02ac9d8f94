"""What the columns of a file are called, and which of them are none of its table."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from data_processor.datasets.reading.source import Choice, Hints
from data_processor.features.schema import is_unnamed

_INDEX = "index"


@dataclass(frozen=True, slots=True)
class Kept:
    """The columns of a file that belong to its table."""

    places: list[int]
    names: list[str]
    """Empty where the header has none for a column with values."""
    notes: list[str]
    choices: list[Choice]


def name_of(cell: Any) -> str:
    """Return the name that a cell of a header is: a date becomes its day, 2021.0 becomes 2021."""
    if cell is None:
        return ""
    if isinstance(cell, dt.datetime):
        return cell.date().isoformat() if cell.time() == dt.time() else cell.isoformat(" ")
    if isinstance(cell, dt.date):
        return cell.isoformat()
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    name = str(cell).strip()
    return "" if is_unnamed(name) else name


def made_up_names(columns: int) -> tuple[str, ...]:
    """Return names for the columns of a table that has none."""
    return tuple(f"column_{number}" for number in range(1, columns + 1))


def keep_columns(names: Sequence[str], known: Sequence[bool], whole: Sequence[bool], hints: Hints) -> Kept:
    """Return the columns that belong to a table: without those that have neither a name nor a value.

    A first column of whole numbers without a name counts the rows, as pandas and R write them; `whole` tells
    which columns hold such numbers only, `known` which hold anything.
    """
    kept = Kept([], [], [], [])
    places = [place for place, name in enumerate(names) if name or known[place]]
    empty = [place + 1 for place in range(len(names)) if place not in places]
    labels = next((place for place in places[:1] if not names[place]), None)
    if labels is not None:
        numbers = whole[labels]
        leave = hints.index == "drop" if hints.index else numbers
        kept.notes.append(_about_labels(leave=leave, numbers=numbers))
        kept.choices.append(choose_index(hints, "the first column", leave=leave))
        if leave:
            places = places[1:]
    for place in places:
        kept.places.append(place)
        kept.names.append(_free_name(names) if place == labels else names[place])
    if empty:
        kept.notes.append(_about_empty(empty))
    return kept


def choose_index(hints: Hints, what: str, *, leave: bool) -> Choice:
    """Offer to keep row labels that were left out, or to leave out those that were kept; `what` they are."""
    if leave:
        return Choice("index", hints.index, "keep", f"Keep {what}")
    return Choice("index", hints.index, "drop", f"Leave out {what}")


def _free_name(names: Sequence[str]) -> str:
    return _INDEX if _INDEX not in names else made_up_names(1)[0]


def _about_labels(*, leave: bool, numbers: bool) -> str:
    what = "The first column has no name" + (" and numbers the rows" if numbers else "")
    return f"{what}: it was left out." if leave else f"{what}: it is called {_INDEX!r}."


def _about_empty(numbers: list[int]) -> str:
    if len(numbers) == 1:
        return f"Column {numbers[0]} has neither a name nor a value: it was left out."
    return f"{len(numbers)} columns have neither a name nor a value: they were left out."

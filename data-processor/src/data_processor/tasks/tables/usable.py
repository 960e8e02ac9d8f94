"""Which columns of some rows there is something to learn from, and which of the rows are fitted on."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass

import numpy as np

from data_processor.features.cardinality import has_many_values
from data_processor.features.packing import MISSING, numeric_names
from data_processor.features.preparation import Preparation
from data_processor.features.schema import Column, Schema
from data_processor.features.split import Rows
from data_processor.tasks.tables.words import has_words


@dataclass(frozen=True, slots=True)
class Usable:
    """The columns of a frame from which something can be learnt, by their places in it.

    Columns go by their place, not their name: a compiled model has two blocks and no column names.
    """

    numbers: tuple[int, ...]
    categories: tuple[int, ...]
    many: tuple[int, ...]
    """Categories with many values."""
    texts: tuple[int, ...]
    dropped: dict[str, str]
    """What is left out, by its name in the frame, and why."""

    @property
    def empty(self) -> bool:
        """Whether there is nothing to learn from."""
        return not (self.numbers or self.categories or self.many or self.texts)


def usable(rows: Rows, schema: Schema, preparation: Preparation) -> Usable:
    """Look for the columns that have a value, and more than one; if none varies, for those with a value."""
    dropped: dict[str, str] = {}
    places: dict[str, list[int]] = {"numbers": [], "categories": [], "many": [], "texts": []}
    same: list[tuple[str, str, int]] = []
    names = numeric_names(schema)
    for place, name in enumerate(names):
        values = rows.frame[name].to_numpy(np.float64)
        known = values[~np.isnan(values)]
        if not len(known):
            dropped[name] = "every value is missing"
        elif len(known) == len(values) and known.min() == known.max():
            dropped[name] = f"every value is {known[0]:g}"
            same.append((name, "numbers", place))
        else:
            places["numbers"].append(place)
    for place, column in enumerate(schema.strings, len(names)):
        found = set(rows.frame[column.name].tolist())
        counted = found if preparation.categorical_missing == "own_category" else found - {MISSING}
        if reason := _nothing_in(column, found, counted):
            dropped[column.name] = reason
            if column.kind == "categorical" and not found <= {MISSING}:
                same.append((column.name, "categories", place))
        elif column.kind == "text":
            places["texts"].append(place)
        else:
            places["many" if has_many_values(len(found), len(rows)) else "categories"].append(place)
    for name, kept, place in () if any(places.values()) else same:
        places[kept].append(place)
        del dropped[name]
    return Usable(**{name: tuple(found) for name, found in places.items()}, dropped=dropped)


def _nothing_in(column: Column, found: AbstractSet[str], counted: AbstractSet[str]) -> str | None:
    """Say why nothing can be learnt from a column of texts with these values, if so."""
    if column.kind not in ("categorical", "text"):
        return f"a table's model learns nothing from a {column.kind} column"
    if found <= {MISSING}:
        return "every value is missing"
    if column.kind == "text":
        if len(counted) == 1:
            return "every text is the same"
        return None if has_words(found - {MISSING}) else "no text has a word"
    return f"every value is {next(iter(counted))!r}" if len(counted) == 1 else None


def complete(rows: Rows, schema: Schema, preparation: Preparation) -> Rows:
    """Return the rows that are fitted on: those without a gap where gaps are not wanted."""
    if not preparation.drops_rows or not len(rows):
        return rows
    found = usable(rows, schema, preparation)
    keep = np.ones(len(rows), np.bool_)
    if preparation.numeric_missing == "drop_row" and found.numbers:
        keep &= rows.frame.iloc[:, list(found.numbers)].notna().to_numpy().all(axis=1)
    categories = [*found.categories, *found.many]
    if preparation.categorical_missing == "drop_row" and categories:
        keep &= (rows.frame.iloc[:, categories] != MISSING).to_numpy().all(axis=1)
    return rows.take(keep)

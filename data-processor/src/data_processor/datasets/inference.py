"""What a table's columns are: proposed from their values, and updated with what training saw."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

import numpy as np
import pandas as pd

from data_processor.features.calendar import FEATURES
from data_processor.features.cardinality import MOST_VALUES
from data_processor.features.packing import MISSING, text
from data_processor.features.precision import offset_of
from data_processor.features.schema import INPUT_KINDS, Column, Kind, Schema
from data_processor.tasks.registry import UnknownTaskError, likely_task, row_task_of
from data_processor.tasks.task import FEW, RowTask, Target

MAX_CATEGORIES, MAX_CATEGORY_SHARE = MOST_VALUES, 1 / 2
"""A column of codes with more distinct values is not categorical; nor is one in which more than this share of
the rows have a value of their own, unless values are few."""
MAX_PHRASES, MAX_PHRASE_SHARE = 1000, 1 / 3
"""The same for values of several words, of which more can be learnt if they are texts."""
UNIQUE_SHARE = 0.9
"""Where more than this share of the rows have a value of their own, values are ids or texts."""
FREE_WORDS = 0.5
"""Texts of which at least this share have a second word are of several words."""


class UnusableTargetError(ValueError):
    """The column to be predicted is missing, or has no value or only one."""


class Columns(Protocol):
    """A table that is read one column at a time: a frame, or one that is still in its file."""

    @property
    def columns(self) -> Iterable[Any]:
        """The names of the columns."""

    def __contains__(self, name: object) -> bool:
        """Say whether there is a column of this name."""

    def __getitem__(self, name: str) -> "pd.Series[Any]":
        """Return a column."""


def infer_schema(
    frame: Columns,
    target: str,
    *,
    task: str | None = None,
    kinds: Mapping[str, Kind] | None = None,
    descriptions: Mapping[str, str] | None = None,
) -> Schema:
    """Propose the schema of a table: kinds from the values unless given, and what training sees of them.

    A column is nullable if it has a gap in the table. Raises `UnusableTargetError`.
    """
    if target not in frame:
        raise UnusableTargetError(f"The table has no column {target!r} to predict.")
    known: dict[str, Kind] = {
        name: (kinds or {}).get(name) or _kind(frame[name]) for name in map(str, frame.columns)
    }
    try:
        meant = row_task_of(task) if task else _likely(frame[target], known)
    except UnknownTaskError as error:
        raise UnusableTargetError(str(error)) from error
    known[target] = meant.target_kind
    columns = []
    for name in map(str, frame.columns):
        values = frame[name]
        bare = Column(
            name=name,
            kind=known[name],
            nullable=bool(values.isna().any()),
            description=(descriptions or {}).get(name, ""),
        )
        columns.append(_describe(bare, values))
    return Schema(
        task=meant.description.task,
        target=target,
        columns=tuple(columns),
        classes=_classes(frame[target]) if meant.description.answer == "label" else (),
    )


def observed(schema: Schema, frame: pd.DataFrame, *, calendar: bool = True) -> Schema:
    """Return the schema with ranges, categories and default values as they are in a later table.

    Kinds, nullability and classes stay as they are: clients rely on them. With `calendar` a model is to see
    the calendar of datetime columns, else nothing of them.
    """
    columns = tuple(_describe(column, frame[column.name], calendar=calendar) for column in schema.columns)
    return schema.model_copy(update={"columns": columns})


def are_categories(distinct: int, rows: int, spaced: float = 0.0) -> bool:
    """Say whether values repeat often enough to be categories; `spaced` is the share with a second word."""
    words = spaced >= FREE_WORDS
    most, share = (MAX_PHRASES, MAX_PHRASE_SHARE) if words else (MAX_CATEGORIES, MAX_CATEGORY_SHARE)
    return distinct <= max(FEW, min(most, share * rows))


def are_ids(distinct: int, rows: int, spaced: float) -> bool:
    """Say whether values only name their rows: nearly every one is unique, and most are a single word."""
    return spaced < FREE_WORDS and distinct > UNIQUE_SHARE * rows


def _kind(values: "pd.Series[Any]") -> Kind:
    known = values.dropna()
    if known.empty:
        return "ignored"
    if pd.api.types.is_bool_dtype(values.dtype):
        return "categorical"
    if pd.api.types.is_numeric_dtype(values.dtype):
        return "numeric"
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        return "datetime"
    distinct = known.nunique()
    spaced = known.astype("str").str.contains(r"\S\s+\S").mean()
    if are_categories(distinct, len(known), spaced):
        return "categorical"
    return "identifier" if are_ids(distinct, len(known), spaced) else "text"


def _likely(target: "pd.Series[Any]", kinds: Mapping[str, Kind]) -> RowTask:
    """Return the task that a table is probably meant for."""
    name, truth = str(target.name), pd.api.types.is_bool_dtype(target.dtype)
    numeric = pd.api.types.is_numeric_dtype(target.dtype) and not truth
    facts = Target(name, "numeric" if numeric else "categorical", numeric, int(target.nunique()))
    inputs = {column: kind for column, kind in kinds.items() if column != name and kind in INPUT_KINDS}
    return likely_task(facts, inputs)


def _classes(target: "pd.Series[Any]") -> tuple[str, ...]:
    classes = sorted({text(value) for value in target.dropna().unique().tolist()} - {MISSING})
    if len(classes) < 2:  # noqa: PLR2004  # nothing to tell apart
        found = f"only the value {classes[0]!r}" if classes else "no value"
        raise UnusableTargetError(f"The target {target.name!r} has {found}: there is nothing to predict.")
    return tuple(classes)


def _describe(column: Column, values: "pd.Series[Any]", *, calendar: bool = True) -> Column:
    known = values.dropna()
    if column.kind == "numeric" and len(known):
        numbers = known.astype("float64")
        whole = bool((numbers % 1 == 0).all())
        middle = float(numbers.quantile(0.5, interpolation="lower" if whole else "linear"))
        seen: dict[str, Any] = {
            "minimum": float(numbers.min()),
            "maximum": float(numbers.max()),
            "integer": whole,
            "offset": offset_of(np.asarray(numbers, np.float64)),
            "default_value": middle,
        }
    elif column.kind == "categorical" and len(known):
        # Equally frequent values go by name: the same table always gives the same schema.
        ranked = sorted(counts_of(known).items(), key=lambda item: (-item[1], item[0]))
        categories = tuple(value for value, _ in ranked)
        seen = {"categories": categories, "default_value": categories[0] if categories else None}
    elif column.kind == "datetime" and len(known):
        # ISO 8601 sorts as time does: the last timestamp is closest to when people ask.
        seen = {"default_value": text(max(known.map(text))), "calendar": FEATURES if calendar else ()}
    else:
        seen = {}
    return column.model_copy(update=seen)


def counts_of(values: "pd.Series[Any]") -> Counter[str]:
    """Return how often each value of a column is there, as the text that models see; missing ones are not."""
    counts: Counter[str] = Counter()
    for value, times in values.value_counts().items():
        counts[text(value)] += int(times)
    del counts[MISSING]
    return counts

"""Data-quality warnings: what a person should know about a table before they train on it."""

from pathlib import Path
from typing import Any, TypedDict

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from data_processor.datasets.profile import ColumnFacts, finite
from data_processor.datasets.rare_classes import FEWEST_OF_A_CLASS, FEWEST_ROWS, named, rare_classes
from data_processor.datasets.reading.texts import typed
from data_processor.statistics.phrases import percent
from data_processor.tasks.task import Target

RARE_SHARE = 0.05
"""A class with a smaller share of the rows is worth a warning."""
LEAKAGE_ROWS = 100_000
"""The first rows, which are searched for leakage."""
LEAK = 0.98
"""A column that avoids this share of the mistakes of guessing leaks the answer."""
_BINS = 50
_MIN_COVERED = 0.5
"""Values that occur more than once must make up this share of the rows: unique ones "predict" anything."""
_MIN_ROWS = 30
_MANY_MISSING = 0.5


class Warning_(TypedDict):  # noqa: N801  # `Warning` is Python's own
    """One warning; `column` is null if it is about the whole table."""

    code: str
    column: str | None
    message: str


def find_warnings(
    path: Path,
    columns: list[ColumnFacts],
    target: str | None,
    rows: int,
    repeated: int,
    *,
    classes: bool | None = None,
) -> list[Warning_]:
    """Return the data-quality warnings about a typed Parquet file, with this column as the target.

    `repeated` is how many of its rows repeat an earlier one (`duplicates.py`). `classes` says whether the
    target has classes; without it, that follows from its values.
    """
    found: list[Warning_] = []
    for column in columns:
        found += _of_column(column, rows)
    if repeated:
        found.append(
            _warning(
                "duplicates",
                None,
                f"{repeated} of {rows} rows repeat an earlier one; preparation.drop_duplicates omits them.",
            )
        )
    chosen = next((column for column in columns if column.name == target), None)
    if chosen is not None:
        if classes is None:
            numeric = chosen.type in ("integer", "number")
            classes = not Target(chosen.name, chosen.kind, numeric, chosen.distinct).is_quantity
        found += _of_target(chosen, rows, classes=classes)
        found += _leaks(path, columns, chosen, regression=not classes)
    return found


def _of_column(column: ColumnFacts, rows: int) -> list[Warning_]:
    name = column.name
    found = []
    if column.missing == rows:
        found.append(_warning("all-missing", name, "Every value is missing: the column is left out."))
    elif column.distinct == 1 and not column.missing:
        found.append(_warning("constant", name, "Every value is the same: nothing can be learnt from it."))
    elif column.missing > _MANY_MISSING * rows:
        found.append(_warning("many-missing", name, f"{column.missing} of {rows} values are missing."))
    if column.ambiguous_dates:
        found.append(
            _warning(
                "ambiguous-dates",
                name,
                f"Day and month may be swapped: the dates were read as {column.date_format}.",
            )
        )
    if column.formulas:
        found.append(
            _warning(
                "formulas",
                name,
                f"{column.formulas} texts look like formulas that a spreadsheet would execute: they are "
                "stored as plain text, and nothing here executes them.",
            )
        )
    return found


def _of_target(target: ColumnFacts, rows: int, *, classes: bool) -> list[Warning_]:
    found = []
    if target.missing:
        message = f"{target.missing} of {rows} rows have no target; they are not used for training."
        found.append(_warning("target-missing", target.name, message))
    if rows - target.missing < FEWEST_ROWS:
        message = (
            f"{rows - target.missing} rows have a target; training needs at least {FEWEST_ROWS}. A smaller "
            "table can only be stored and looked at."
        )
        found.append(_warning("few-rows", target.name, message))
    if not target.counts or not classes:
        return found
    total = sum(target.counts.values())
    if total >= FEWEST_ROWS and (rare := rare_classes(target.counts)):
        message = (
            f"{named(rare)}; training needs at least {FEWEST_OF_A_CLASS} of each class. "
            "preparation.rare_classes leaves them out or merges them."
        )
        found.append(_warning("rare-classes", target.name, message))
    for label, times in target.counts.items():
        if len(target.counts) > 1 and times < RARE_SHARE * total / (len(target.counts) / 2):
            message = (
                f"Class {label!r} has {times} of {total} rows: such an imbalance makes it hard to learn."
            )
            found.append(_warning("imbalance", target.name, message))
    return found


def _leaks(
    path: Path, columns: list[ColumnFacts], target: ColumnFacts, *, regression: bool
) -> list[Warning_]:
    """Return the columns that predict the target on their own."""
    if target.distinct < 2:  # noqa: PLR2004  # there is nothing to predict
        return []
    wanted = _head(path, target)
    found = []
    for column in columns:
        if column.name == target.name or column.distinct < 2 or column.kind == "identifier":  # noqa: PLR2004
            continue
        values = _head(path, column)
        both = values.notna() & wanted.notna()
        if both.sum() < _MIN_ROWS:
            continue
        numeric = column.type in ("integer", "number")
        share = (
            _explained(values[both], wanted[both].astype("float64"), numeric=numeric)
            if regression
            else _saved(values[both], wanted[both], numeric=numeric)
        )
        if share >= LEAK:
            message = (
                f"On its own it predicts {target.name!r} almost perfectly ({percent(share)}): is its value "
                "known before the prediction is needed? If not, ignore the column."
            )
            found.append(_warning("leakage", column.name, message))
    return found


def _head(path: Path, column: ColumnFacts) -> "pd.Series[Any]":
    """Return the first values of a column, as its cells are read."""
    name, reading = column.name, column.reading
    parts: list[pd.Series[Any]] = []
    rows = 0
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(50_000, columns=[name]):
            values = batch.column(name)
            if reading is not None and pa.types.is_string(values.type):
                values = typed(values, reading)
            values = finite(values)
            parts.append(values.to_pandas())
            rows += len(batch)
            if rows >= LEAKAGE_ROWS:
                break
    return pd.concat(parts, ignore_index=True)


def _saved(values: "pd.Series[Any]", target: "pd.Series[Any]", *, numeric: bool) -> float:
    """Return the share of the mistakes of always guessing the most frequent class that a column saves."""
    groups = _groups(values, numeric=numeric)
    sizes = groups.map(groups.value_counts())
    common = sizes > 1
    if common.mean() < _MIN_COVERED:
        return 0.0
    groups, target = groups[common], target[common].astype("str")
    table = pd.crosstab(groups, target)
    right, guessed = table.max(axis=1).sum() / len(target), table.sum(axis=0).max() / len(target)
    return float((right - guessed) / (1 - guessed)) if guessed < 1 else 0.0


def _explained(values: "pd.Series[Any]", target: "pd.Series[Any]", *, numeric: bool) -> float:
    """Return the share of the target's variance that a column explains."""
    total = float(target.var(ddof=0))
    if total == 0:
        return 0.0
    if numeric:
        with np.errstate(all="ignore"):
            linear = float(np.corrcoef(values.astype("float64"), target)[0, 1]) ** 2
        return linear if np.isfinite(linear) else 0.0
    sizes = values.map(values.value_counts())
    common = sizes > 1
    if common.mean() < _MIN_COVERED:
        return 0.0
    kept = target[common]
    within = float((kept - kept.groupby(values[common]).transform("mean")).var(ddof=0))
    spread = float(kept.var(ddof=0))
    return 1 - within / spread if spread else 0.0


def _groups(values: "pd.Series[Any]", *, numeric: bool) -> "pd.Series[Any]":
    if numeric and values.nunique() > _BINS:
        return pd.qcut(values.astype("float64"), _BINS, labels=False, duplicates="drop").astype("str")
    return values.astype("str")


def _warning(code: str, column: str | None, message: str) -> Warning_:
    return {"code": code, "column": column, "message": message}

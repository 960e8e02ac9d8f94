"""Whether a snapshot can be trained on at all: checked before hours are spent, answered in sentences."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from data_processor.datasets.rare_classes import FEWEST_OF_A_CLASS, FEWEST_ROWS
from data_processor.features.schema import Schema
from data_processor.features.split import Split
from data_processor.runs.context import TaskError

SHOWN = 3
"""Wrong values that a sentence quotes."""


class UnfitTableError(TaskError):
    """A table cannot be trained on; the message has a sentence for each reason."""


def check_table(frame: pd.DataFrame, schema: Schema) -> None:
    """Raise `UnfitTableError`, naming everything that is wrong with a snapshot at once.

    Missing values are never wrong: every pipeline accepts them.
    """
    wrong = [*_wrong_columns(frame, schema)]
    if not wrong:
        wrong = [*_too_little(frame, schema)]
    if wrong:
        raise UnfitTableError(" ".join(wrong))


def check_split(split: Split) -> None:
    """Raise `UnfitTableError` if rows that belong together leave a side without a row."""
    by = split.schema.holdout
    if by.by == "row":
        return
    sides = {"be fitted to": split.fitting, "choose by": split.validation, "be held out": split.holdout}
    empty = [name for name, rows in sides.items() if not len(rows)]
    if empty:
        what = f"groups of {by.column!r}" if by.by == "group" else f"times of {by.column!r}"
        raise UnfitTableError(
            f"The {what} are too few to be divided: there are none left to {' or to '.join(empty)}. Upload "
            "rows of more of them, or upload the file again and let another column, or single rows, decide "
            "what is held out."
        )


def _wrong_columns(frame: pd.DataFrame, schema: Schema) -> Iterator[str]:
    for column in schema.columns:
        if column.kind in ("ignored", "identifier"):
            continue
        if column.name not in frame:
            yield f"Column {column.name!r} is missing."
        elif column.kind == "numeric":
            yield from _wrong_numbers(frame[column.name])


def _wrong_numbers(values: "pd.Series[Any]") -> Iterator[str]:
    if not pd.api.types.is_numeric_dtype(values.dtype):
        yield f"Column {values.name!r} should contain numbers but contains something else."
    elif infinite := int(np.isinf(values.to_numpy(np.float64, na_value=np.nan)).sum()):
        yield f"Column {values.name!r} has {infinite} infinite values."


def _too_little(frame: pd.DataFrame, schema: Schema) -> Iterator[str]:
    target = frame[schema.target].dropna()
    if len(target) < FEWEST_ROWS:
        yield (
            f"Only {len(target)} of {len(frame)} rows have a value of {schema.target!r}; "
            f"training needs at least {FEWEST_ROWS}."
        )
    empty = [column.name for column in schema.inputs if frame[column.name].isna().all()]
    if len(empty) == len(schema.inputs):
        yield "Every input column is empty."
    if schema.classes:
        yield from _wrong_classes(target.astype("str"), schema)
    elif target.nunique() < 2:  # noqa: PLR2004  # one value is not a quantity
        yield f"Every row has the same value of {schema.target!r}: there is nothing to learn."


def _wrong_classes(target: "pd.Series[str]", schema: Schema) -> Iterator[str]:
    counts = target.value_counts()
    if unknown := sorted(set(counts.index) - set(schema.classes)):
        shown = ", ".join(map(repr, unknown[:SHOWN]))
        yield f"{schema.target!r} has values that are not among its classes: {shown}."
    for label in schema.classes:
        rows = int(counts.get(label, 0))
        if rows < FEWEST_OF_A_CLASS:
            has = "1 row" if rows == 1 else f"{rows} rows"
            yield f"The class {label!r} has {has}; training needs at least {FEWEST_OF_A_CLASS}."

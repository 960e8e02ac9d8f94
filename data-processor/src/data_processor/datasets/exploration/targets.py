"""The target by each column: for each bar of a column's distribution, the rows of each class or the mean."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data_processor.datasets.exploration.distributions import NOWHERE, Placed, finite
from data_processor.datasets.exploration.schemas import ByTarget
from data_processor.features.schema import Schema

MOST_CLASSES = 8
"""More classes cannot be told apart in a chart."""


@dataclass(frozen=True, slots=True)
class Target:
    """What is to be predicted, of each row."""

    classes: list[str]
    """Classification: the most frequent classes; regression: none."""
    codes: NDArray[np.intp]
    """Shape (rows,): the place of a row's class among `classes`, `NOWHERE` if it is not among them."""
    amounts: NDArray[np.float64]
    """Shape (rows,): the value, NaN if it is missing; regression only."""
    left_out: int = 0
    """Classes that are not among the most frequent."""


def target_of(frame: pd.DataFrame, schema: Schema) -> Target:
    """Return the target of each row."""
    values = frame[schema.target]
    if not schema.classes:
        numbers = values.to_numpy(np.float64, na_value=np.nan)
        known = np.where(np.isfinite(numbers), numbers, np.nan)
        return Target([], np.full(len(frame), NOWHERE), known)
    found = values.value_counts()
    ranked = sorted(schema.classes, key=lambda label: (-int(found.get(label, 0)), label))
    classes = ranked[:MOST_CLASSES]
    codes = pd.Index(classes).get_indexer(pd.Index(values.astype("object")))
    return Target(classes, codes, np.empty(0), len(ranked) - len(classes))


def by_target(placed: Placed, target: Target) -> ByTarget:
    """Return the target for each bar of a distribution."""
    number = len(placed.distribution.counts)
    if target.classes:
        here = (placed.bars != NOWHERE) & (target.codes != NOWHERE)
        cells = target.codes[here] * number + placed.bars[here]
        table = np.bincount(cells, minlength=len(target.classes) * number)
        return ByTarget(counts=table.reshape(len(target.classes), number).tolist())
    here = (placed.bars != NOWHERE) & ~np.isnan(target.amounts)
    bars, amounts = placed.bars[here], target.amounts[here]
    with np.errstate(all="ignore"):
        rows = np.bincount(bars, minlength=number)
        means = np.bincount(bars, amounts, number) / rows
        squares = np.bincount(bars, (amounts - means[bars]) ** 2, number)
        errors = np.sqrt(squares / (rows - 1) / rows)
    return ByTarget(
        rows=rows.tolist(),
        means=[finite(mean) for mean in means.tolist()],
        errors=[finite(error) for error in errors.tolist()],
    )

"""Which columns tell something of the target by themselves.

A column that does not is not useless, it may matter together with others; but noise with many values is what
boosted trees overfit to most. So it is a hyperparameter whether such columns are used, and rows that were not
fitted decide.
"""

import numpy as np
from numpy.typing import NDArray

from data_processor.features.split import Rows

BINS = 20
"""Parts of equal size that numbers are divided into."""
LEAST = 0.005
"""Half of what Cohen (1988) calls a small effect, which is a V of 0.1."""

Places = NDArray[np.int64]


def related(rows: Rows, places: tuple[int, ...]) -> frozenset[int]:
    """Return those of a frame's columns, by place, that are related to the target; if none is, all."""
    target = _parts(rows.target)
    found = {place for place in places if association(_parts(_values(rows, place)), target) >= LEAST}
    return frozenset(found or places)


def association(one: Places, other: Places) -> float:
    """Return the squared bias-corrected Cramér's V of two columns of codes, 0 … 1 (Bergsma 2013)."""
    table = np.zeros((one.max(initial=0) + 1, other.max(initial=0) + 1))
    np.add.at(table, (one, other), 1.0)
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / max(1, len(one))
    there = expected > 0
    share = float(((table - expected)[there] ** 2 / expected[there]).sum()) / max(1, len(one))
    freedom = [int((table.sum(axis=axis) > 0).sum()) - 1 for axis in (1, 0)]
    above = share - freedom[0] * freedom[1] / max(1, len(one) - 1)
    return max(0.0, above) / max(1, min(freedom))


def _values(rows: Rows, place: int) -> NDArray[np.generic]:
    column = rows.frame.iloc[:, place]
    return column.to_numpy(object if column.dtype == object else np.float64)


def _parts(values: NDArray[np.generic]) -> Places:
    """Return codes: of each text, or of the part of the numbers that a number lies in, gaps apart."""
    if values.dtype.kind != "f":
        return np.unique(values.astype(str), return_inverse=True)[1].astype(np.int64)
    numbers = values.astype(np.float64)
    known = numbers[~np.isnan(numbers)]
    cuts = np.unique(np.quantile(known, np.linspace(0, 1, BINS + 1)[1:-1])) if len(known) else known
    codes = np.searchsorted(cuts, numbers, side="left")
    return np.where(np.isnan(numbers), len(cuts) + 1, codes).astype(np.int64)

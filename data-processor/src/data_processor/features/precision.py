"""Which numbers 32 bits cannot tell apart as they are, and from where they can.

A compiled model computes in 32-bit floats, whose steps grow with the number: at 1.7·10¹², milliseconds since
1970, they are 131 072 wide. Near 0 they are fine. So a column that would be blurred is counted from a middle
of its values, subtracted in 64 bits before the value is cut.
"""

import numpy as np
from numpy.typing import NDArray

MOST_VALUES = 20_000
"""Values, evenly spaced over the rows, that are looked at."""
NEIGHBOURS = 32
"""Values that are told apart must keep their distances, to a hundredth of what as many neighbours span."""
FEW = 0.02
"""So many blurred values are let be."""
_MIDDLES = (0.5, 0.1, 0.25, 0.75, 0.9)
"""Quantiles of the different values. More than one, because there may be several heaps; the first that is
best is taken."""
_LARGEST = 1e30

Floats = NDArray[np.float64]


def offset_of(values: Floats) -> float:
    """Return what is to be subtracted from a column's values before they are 32-bit floats; 0 if nothing.

    `values` has no NaN. It is one of them.
    """
    distinct = _some(values)
    if len(distinct) < 2 or not np.abs(distinct[[0, -1]]).max() < _LARGEST:  # noqa: PLR2004  # one has no neighbour
        return 0.0
    blurred = share_blurred(distinct, 0.0)
    if blurred <= FEW:
        return 0.0
    middles = np.quantile(distinct, _MIDDLES, method="nearest").tolist()
    best = min(middles, key=lambda middle: share_blurred(distinct, middle))
    return float(best) if share_blurred(distinct, best) <= blurred / 2 else 0.0


def lost(values: Floats, offset: float) -> float:
    """Return the share of a column's different values that are blurred even from its offset."""
    distinct = _some(values)
    return share_blurred(distinct, offset) if len(distinct) > 1 else 0.0


def _some(values: Floats) -> Floats:
    """Return some of a column's values, each once, in order."""
    return np.unique(values[:: max(1, -(-len(values) // MOST_VALUES))])


def share_blurred(distinct: Floats, offset: float) -> float:
    """Return the share of sorted, distinct values that lose their distances as 32-bit floats."""
    centred = distinct - offset
    error = np.abs(centred.astype(np.float32).astype(np.float64) - centred)
    count = min(NEIGHBOURS, len(distinct) - 1)
    first = np.clip(np.arange(len(distinct)) - count // 2, 0, len(distinct) - 1 - count)
    return float((error > (distinct[first + count] - distinct[first]) / 100).mean())

"""By what a difference of two values is measured: how far the target's values are apart."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Scale(NamedTuple):
    """Where a target's values are, and how far apart."""

    middle: float = 0.0
    """Their median."""
    spread: float = 1.0
    """The distance of their quartiles; of a target that is mostly one value, their standard deviation."""

    def of(self, values: Floats) -> Floats:
        """Return the unit for each value: the spread, or if it is farther from the middle, how far it is.

        Where the values of a target lie on many scales, each is told from its neighbours on its own.
        """
        return np.maximum(self.spread, np.abs(values - self.middle))


def scale_of(target: Floats) -> Scale:
    """Return the scale of some rows' target, which has no NaN."""
    if not len(target):
        return Scale()
    low, middle, high = np.quantile(target, (0.25, 0.5, 0.75)).tolist()
    return Scale(middle, (high - low) or float(np.std(target)) or 1.0)

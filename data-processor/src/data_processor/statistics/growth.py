"""By how much a loss grows when rows are held out in another way: paired folds, and a t interval."""

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

from data_processor.statistics.measures import Floats

GROWS = 0.10
"""A loss that grows by less says little about what is held out."""
LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Growth:
    """How much larger a loss is under one way of holding rows out than under another."""

    before: float
    """The mean loss under the first way."""
    after: float
    """The mean loss under the second."""
    low: float
    """Where the relative difference lies, at a confidence level: its lower end."""
    high: float

    @property
    def flagged(self) -> bool:
        """Whether the loss grows by at least `GROWS`, and not by chance."""
        return self.low > 0 and self.after >= (1 + GROWS) * self.before


def growth(before: Floats, after: Floats, comparisons: int = 1) -> Growth:
    """Return the growth of a loss over paired folds, shape (folds,) each, of at least two.

    The interval is Student's for the mean of the differences, relative to the mean of the first loss, and
    wide enough to hold for all of so many comparisons (Bonferroni). Sources: Student 1908; Dunn 1961.
    """
    mean = float(before.mean())
    if not (mean > 0 and np.isfinite(before).all() and np.isfinite(after).all()):
        return Growth(mean, float(after.mean()), 0.0, 0.0)
    relative = (after - before) / mean
    folds = len(relative)
    t = float(stdtrit(folds - 1, 1 - (1 - LEVEL) / (2 * comparisons)))
    half = t * float(relative.std(ddof=1)) / math.sqrt(folds)
    centre = float(relative.mean())
    return Growth(mean, float(after.mean()), centre - half, centre + half)

"""Which of the candidates that were tried goes on: not the best by a hair, but the likeliest to be good.

The best of many is best partly by luck, and with a few hundred texts mostly. So the first that was tried wins
unless the best is better by more than a standard error (the rule of Breiman, Friedman, Olshen & Stone 1984).
Defaults are tried first, in the order in which they are likeliest to be good; the more texts there are, the
smaller is the error, and the more the search decides.
"""

from collections.abc import Sequence

import numpy as np

from data_processor.statistics.measures import gain, prepare
from data_processor.training.leaderboard import Tried, ranked
from data_processor.training.texts.measuring import Measured

RESAMPLES = 300


def choose(tried: Sequence[Tried], measured: Measured) -> Tried:
    """Return the first candidate that is within a standard error of the best; in the order of trying."""
    best = ranked(tried, measured.metric)[0]
    for one in tried:
        if one is best:
            break
        if measured.metric in one.metrics:
            values = (np.array([each.metrics[measured.metric]]) for each in (best, one))
            if float(gain(measured.metric, *values)[0]) <= standard_error(one, best, measured):
                return one
    return best


def standard_error(one: Tried, other: Tried, measured: Measured) -> float:
    """Return how far the difference of two candidates varies over paired resamples of the validation rows."""
    rows, draw = len(measured.truth), np.random.default_rng(0)
    weights = draw.multinomial(rows, np.full(rows, 1 / rows), RESAMPLES).astype(np.float64)
    classes = measured.schema.classes
    first, second = (
        prepare(measured.metric, measured.truth, each.answers, classes)(weights) for each in (one, other)
    )
    differences = (first - second)[np.isfinite(first - second)]
    return float(differences.std()) if len(differences) else 0.0

"""The one-standard-error rule: what goes on is not the best by a hair, but the likeliest to be good.

The best of many is best partly by luck, and with a few hundred texts mostly. So the first that was tried wins
unless the best is better by more than a standard error (the rule of Breiman, Friedman, Olshen & Stone 1984).
If it is, the first wins of those that are within a standard error of the best, and better than the very first
by more than one. Plain words and a logistic regression are tried first, then defaults in the order in which
they are likeliest to be good; the more texts there are, the smaller is the error, and the more the search
decides.
"""

from collections.abc import Sequence

import numpy as np

from data_processor.statistics.measures import gain, prepare
from data_processor.tasks.comparison import Scorer, Tried

RESAMPLES = 300


def choose(tried: Sequence[Tried], scorer: Scorer) -> Tried:
    """Return the candidate that goes on, of some in the order of trying."""
    best = scorer.ranked(tried)[0]
    measured = [one for one in tried if scorer.metric in one.metrics]
    if not measured or measured[0] is best or not _is_better(best, measured[0], scorer):
        return measured[0] if measured else best
    for one in measured[1:]:
        if one is best:
            break
        if not _is_better(best, one, scorer) and _is_better(one, measured[0], scorer):
            return one
    return best


def _is_better(one: Tried, other: Tried, scorer: Scorer) -> bool:
    """Say whether a candidate is better than another by more than a standard error."""
    values = (np.array([each.metrics[scorer.metric]]) for each in (one, other))
    return float(gain(scorer.metric, *values)[0]) > standard_error(other, one, scorer)


def standard_error(one: Tried, other: Tried, scorer: Scorer) -> float:
    """Return how far the difference of two candidates varies over paired resamples of the validation rows.

    Of rows that belong together, groups are drawn.
    """
    rows, random = len(scorer.truth), np.random.default_rng(0)
    which = np.arange(rows) if scorer.groups is None else np.unique(scorer.groups, return_inverse=True)[1]
    units = len(np.unique(which))
    drawn = random.multinomial(units, np.full(units, 1 / units), RESAMPLES).astype(np.float64)
    weights = drawn[:, which]
    classes = scorer.schema.classes
    first, second = (
        prepare(scorer.metric, scorer.truth, each.answers, classes)(weights) for each in (one, other)
    )
    differences = (first - second)[np.isfinite(first - second)]
    return float(differences.std()) if len(differences) else 0.0

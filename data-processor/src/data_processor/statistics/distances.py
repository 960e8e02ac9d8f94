"""How far two samples of one feature are apart, and how probable that is by chance.

    rows of the smaller sample     numbers               categories
    up to 1 000                    Kolmogorov-Smirnov    chi-squared (distance: Jensen-Shannon)
    more                           Wasserstein           Jensen-Shannon

The first two have p-values of their own. Those of the other two are by permutation: if both samples come from
one distribution, the counts of one are a draw without replacement from the counts of both, which is drawn as
often as it takes (Good 2005, *Permutation Tests*).
"""

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.spatial.distance import jensenshannon

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]
Test = Literal["kolmogorov-smirnov", "chi-squared", "wasserstein", "jensen-shannon", "fisher"]

EXACT_ROWS = 1000
"""Up to so many rows of the smaller sample a test has a p-value of its own."""
CELLS = 64
"""Cells of a permuted distribution: finer ones change p-values less than the permutations do."""
LEAST_EXPECTED = 5
"""A category of which fewer rows are expected in the smaller sample is one of the others (Cochran 1954)."""
MOST_CATEGORIES = 200
"""Categories that are compared one by one: as many as 1 000 rows can have that are not rare. Of more, the
least frequent are others too, which bounds what thousands of permutations take."""
BINS = 10
"""Bins of the population stability index: tenths of the reference."""
PRIOR = 0.5
"""Added to each count of the index (Jeffreys), so that an empty bin is a large and no infinite change."""


class Apart(NamedTuple):
    """What a test says of two samples."""

    test: Test
    distance: float
    """From 0, which is alike. Kolmogorov-Smirnov and Jensen-Shannon: at most 1; Wasserstein: in standard
    deviations of the reference."""
    p_value: float


def numbers_apart(reference: Floats, current: Floats, draws: int, rng: np.random.Generator) -> Apart:
    """Compare two samples of numbers, none of them missing, both with two rows at least."""
    if min(len(reference), len(current)) <= EXACT_ROWS:
        found = stats.ks_2samp(reference, current, method="asymp")
        return Apart("kolmogorov-smirnov", float(found.statistic), float(found.pvalue))
    scale = float(reference.std()) or float(np.concatenate([reference, current]).std()) or 1.0
    distance = float(stats.wasserstein_distance(reference, current)) / scale
    return Apart("wasserstein", distance, _permuted_wasserstein(reference, current, draws, rng))


def categories_apart(reference: Counts, current: Counts, draws: int, rng: np.random.Generator) -> Apart:
    """Compare two samples of categories, given as their counts in the same order."""
    cells = pool_rare(reference, current)
    distance = _jensen_shannon(cells[0], cells[1])
    if min(reference.sum(), current.sum()) <= EXACT_ROWS:
        p_value = 1.0 if cells.shape[1] < 2 else float(stats.chi2_contingency(cells, correction=False)[1])  # noqa: PLR2004  # one cell cannot differ
        return Apart("chi-squared", distance, p_value)
    permuted = _permuted(cells.sum(axis=0), int(cells[1].sum()), draws, rng)
    others = _rows_of_jensen_shannon(cells.sum(axis=0) - permuted, permuted)
    return Apart("jensen-shannon", distance, _share_as_far(others, distance))


def shares_apart(reference: tuple[int, int], current: tuple[int, int]) -> Apart:
    """Compare two shares, each given as (so many, of so many), by Fisher's exact test."""
    table = np.array([[part, total - part] for part, total in (reference, current)])
    distance = abs(reference[0] / reference[1] - current[0] / current[1])
    return Apart("fisher", distance, float(stats.fisher_exact(table)[1]))


def stability_index(reference: Counts, current: Counts) -> float:
    """Return the population stability index of two rows of counts: the symmetric divergence of their shares.

    From 0.1 a change is commonly called moderate, from 0.25 large (Siddiqi 2006).
    """
    cells = len(reference)
    before = (reference + PRIOR) / (reference.sum() + PRIOR * cells)
    now = (current + PRIOR) / (current.sum() + PRIOR * cells)
    return float(((now - before) * np.log(now / before)).sum())


def tenths(reference: Floats, current: Floats) -> tuple[Counts, Counts]:
    """Count two samples in the tenths of the first, with a cell for missing values (NaN) behind them."""
    known = reference[~np.isnan(reference)]
    edges = np.unique(np.quantile(known, np.linspace(0, 1, BINS + 1)[1:-1])) if len(known) else np.zeros(0)
    cells = len(edges) + 2

    def count(values: Floats) -> Counts:
        missing = np.isnan(values)
        places = np.searchsorted(edges, values[~missing], side="left")
        return np.bincount(np.append(places, np.full(missing.sum(), cells - 1)), minlength=cells)

    return count(reference), count(current)


def pool_rare(reference: Counts, current: Counts) -> NDArray[np.int64]:
    """Return both rows of counts with the categories that are too rare to be compared as one, the last."""
    both = np.stack([reference, current])
    smaller = both.sum(axis=1).min() / max(1, both.sum())
    totals = both.sum(axis=0)
    rare = totals * smaller < LEAST_EXPECTED
    rare[np.argsort(-totals, kind="stable")[MOST_CATEGORIES:]] = True
    pooled = np.column_stack([both[:, ~rare], both[:, rare].sum(axis=1)]) if rare.any() else both
    return pooled[:, pooled.sum(axis=0) > 0]


def _jensen_shannon(reference: Counts, current: Counts) -> float:
    return float(jensenshannon(reference.astype(np.float64), current.astype(np.float64), base=2))


def _rows_of_jensen_shannon(reference: Counts, current: Counts) -> Floats:
    before, now = (side.astype(np.float64) for side in (reference, current))
    return np.asarray(jensenshannon(before, now, axis=1, base=2), np.float64)


def _permuted_wasserstein(reference: Floats, current: Floats, draws: int, rng: np.random.Generator) -> float:
    """Return the p-value of a Wasserstein distance, of both samples in cells of about equally many rows."""
    both = np.concatenate([reference, current])
    edges = np.unique(np.quantile(both, np.linspace(0, 1, CELLS + 1)[1:-1]))
    places = np.searchsorted(edges, both, side="left")
    used, places = np.unique(places, return_inverse=True)
    totals = np.bincount(places)
    steps = np.diff(np.bincount(places, both) / totals)
    of_current = np.bincount(places[len(reference) :], minlength=len(used))
    permuted = _permuted(totals, len(current), draws, rng)
    rows = np.vstack([of_current, permuted])
    below = np.cumsum(rows, axis=1)[:, :-1] / len(current)
    below_reference = np.cumsum(totals - rows, axis=1)[:, :-1] / len(reference)
    found = (np.abs(below - below_reference) * steps).sum(axis=1)
    return _share_as_far(found[1:], float(found[0]))


def _permuted(totals: Counts, size: int, draws: int, rng: np.random.Generator) -> Counts:
    """Return the counts of a sample of a size in each of some permutations, (draws, cells)."""
    return rng.multivariate_hypergeometric(totals, size, size=draws, method="marginals")


def _share_as_far(others: Floats, distance: float) -> float:
    """Return the p-value of a distance: the share of permutations as far apart, itself among them."""
    return float((1 + (others >= distance - 1e-12).sum()) / (1 + len(others)))

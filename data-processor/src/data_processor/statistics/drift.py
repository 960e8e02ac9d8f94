"""Whether recent inputs differ from those a version was trained on, feature by feature.

A feature drifted if it passes the Benjamini-Hochberg procedure over all features at 0.05 *and* moved by the
minimum effect: a population stability index of 0.1 or a distance of 0.1. The first keeps many features from
making chance look like drift (Benjamini & Hochberg 1995), the second keeps many rows from making a trifle
look like one. Fewer than 100 rows on a side give no verdict, which is neither drift nor its absence.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from data_processor.statistics.distances import (
    Apart,
    Counts,
    Floats,
    Test,
    categories_apart,
    numbers_apart,
    pool_rare,
    shares_apart,
    stability_index,
    tenths,
)
from data_processor.statistics.phrases import percent
from data_processor.statistics.terms import Direction, DriftVerdict

LEAST_ROWS = 100
"""Rows of each side without which there is no verdict."""
LEVEL = 0.05
"""The share of features found drifted that may be there by chance."""
LEAST_INDEX = 0.1
LEAST_DISTANCE = 0.1
"""The minimum effect: either of the two."""
DRAWS, MOST_DRAWS = 999, 19_999
"""Permutations of a test, as many as the smallest p-value that may matter among the features needs."""
SLIGHT = 0.05
"""Standard deviations by which a median moves before it counts as higher or lower."""
SPREAD = 1.1
"""The factor by which the spread changes before it counts as wider or narrower."""


class Numbers(NamedTuple):
    """Two samples of a numeric feature; NaN is missing."""

    name: str
    reference: Floats
    current: Floats


class Categories(NamedTuple):
    """Two samples of a categorical feature; None is missing, which counts as a category."""

    name: str
    reference: NDArray[np.object_]
    current: NDArray[np.object_]


Feature = Numbers | Categories


@dataclass(frozen=True, slots=True)
class Comparison:
    """What became of one feature."""

    feature: str
    test: Test
    """Fisher's where the share of missing values moved more than the values."""
    n: int
    """Recent rows compared."""
    distance: float
    index: float
    """The population stability index."""
    p_value: float
    adjusted: float
    """The p-value after Benjamini-Hochberg: compared with 0.05."""
    direction: Direction
    change: str
    """What changed most, in words."""
    drifted: bool
    threshold: float = LEAST_DISTANCE


@dataclass(frozen=True, slots=True)
class DriftFound:
    """What the comparison of all features comes to."""

    verdict: DriftVerdict
    reason: str
    features: tuple[Comparison, ...]
    """In the order given; none without a verdict."""

    @property
    def drifted(self) -> tuple[str, ...]:
        """The names of the features that drifted."""
        return tuple(one.feature for one in self.features if one.drifted)


def find_drift(features: Sequence[Feature], *, reference_rows: int, rows: int, seed: int) -> DriftFound:
    """Compare every feature of `rows` recent rows with the reference, and say what that comes to."""
    for side, count in (("recent predictions", rows), ("reference rows", reference_rows)):
        if count < LEAST_ROWS:
            are = "is one" if count == 1 else f"are {count}"
            return DriftFound(
                "no_verdict", f"There {are} of the {LEAST_ROWS} {side} that a verdict takes.", ()
            )
    if not features:
        return DriftFound("no_verdict", "The model has no input whose drift is measured.", ())
    draws = min(MOST_DRAWS, max(DRAWS, math.ceil(2 * len(features) / LEVEL)))
    # Each feature has a generator of its own, so that another column changes none of its numbers.
    compared = [
        _compare(feature, draws, np.random.default_rng([seed, place]))
        for place, feature in enumerate(features)
    ]
    adjusted = stats.false_discovery_control([one.p_value for one in compared], method="bh")
    judged = [
        replace(one, adjusted=float(value), drifted=bool(value <= LEVEL and _moved(one)))
        for one, value in zip(compared, adjusted, strict=True)
    ]
    found = [one.feature for one in judged if one.drifted]
    of_all = f"{len(found)} of {len(judged)} features" if found else f"None of {len(judged)} features"
    reason = f"{of_all} drifted, compared over {rows} recent and {reference_rows} reference rows."
    return DriftFound("drift" if found else "no_drift", reason, tuple(judged))


def _moved(one: Comparison) -> bool:
    return one.index >= LEAST_INDEX or one.distance >= LEAST_DISTANCE


def _compare(feature: Feature, draws: int, rng: np.random.Generator) -> Comparison:
    if isinstance(feature, Numbers):
        return _compare_numbers(feature, draws, rng)
    return _compare_categories(feature, draws, rng)


def _compare_numbers(feature: Numbers, draws: int, rng: np.random.Generator) -> Comparison:
    """Compare values and the share of missing ones; where both can move, the p-value is that of two tests."""
    name, reference, current = feature
    before, now = reference[~np.isnan(reference)], current[~np.isnan(current)]
    missing = len(reference) - len(before), len(current) - len(now)
    found: list[tuple[Apart, Direction, str]] = []
    if min(len(before), len(now)) >= LEAST_ROWS:
        found.append((numbers_apart(before, now, draws, rng), *_direction(before, now)))
    if any(missing):
        shares = missing[0] / len(reference), missing[1] / len(current)
        direction: Direction = "more_missing" if shares[1] > shares[0] else "fewer_missing"
        change = f"missing in {percent(shares[1])}, was {percent(shares[0])}"
        apart = shares_apart((missing[0], len(reference)), (missing[1], len(current)))
        found.append((apart, direction, change))
    strongest, direction, change = min(found, key=lambda one: one[0].p_value)
    return Comparison(
        feature=name,
        test=strongest.test,
        n=len(current),
        distance=strongest.distance,
        index=stability_index(*tenths(reference, current)),
        p_value=min(1.0, len(found) * strongest.p_value),
        adjusted=1.0,
        direction=direction,
        change=change,
        drifted=False,
    )


def _compare_categories(feature: Categories, draws: int, rng: np.random.Generator) -> Comparison:
    name, reference, current = feature
    labels, before, now = counted(reference, current)
    apart = categories_apart(before, now, draws, rng)
    shares = before / before.sum(), now / now.sum()
    change = (shares[1] - shares[0]).round(9)
    place = int(np.lexsort((change, np.abs(change)))[-1])  # of two that moved alike, the one that grew
    label, moved = labels[place], bool(shares[1][place] != shares[0][place])
    more = shares[1][place] > shares[0][place]
    direction: Direction = ("more_missing" if more else "fewer_missing") if label is None else "shares"
    what = "missing" if label is None else repr(label)
    return Comparison(
        feature=name,
        test=apart.test,
        n=len(current),
        distance=apart.distance,
        index=stability_index(*pool_rare(before, now)),  # of a thousand rare ones, chance alone would make 1
        p_value=apart.p_value,
        adjusted=1.0,
        direction=direction if moved else "none",
        change=f"{what} in {percent(shares[1][place])}, was {percent(shares[0][place])}" if moved else "",
        drifted=False,
    )


def counted(
    reference: NDArray[np.object_], current: NDArray[np.object_]
) -> tuple[list[str | None], Counts, Counts]:
    """Return every category of two samples, in order, and how often each has it."""
    labels = sorted(_known(reference) | _known(current))
    places: dict[str | None, int] = {label: place for place, label in enumerate(labels)}
    order: list[str | None] = [*labels]
    if any(value is None for side in (reference, current) for value in side):
        places[None] = len(order)
        order.append(None)

    def count(values: NDArray[np.object_]) -> Counts:
        return np.bincount([places[value] for value in values], minlength=len(order))

    return order, count(reference), count(current)


def _known(values: Iterable[str | None]) -> set[str]:
    return {value for value in values if value is not None}


def _direction(before: Floats, now: Floats) -> tuple[Direction, str]:
    """Say where numbers moved: up or down, or, with the median in its place, apart or together."""
    middle = float(np.median(before)), float(np.median(now))
    scale = float(before.std()) or 1.0
    if abs(middle[1] - middle[0]) >= SLIGHT * scale:
        return "higher" if middle[1] > middle[0] else "lower", f"median {middle[1]:.4g}, was {middle[0]:.4g}"
    spread = float(before.std()), float(now.std())
    if spread[1] > SPREAD * spread[0] or spread[0] > SPREAD * spread[1]:
        wider: Direction = "wider" if spread[1] > spread[0] else "narrower"
        return wider, f"standard deviation {spread[1]:.4g}, was {spread[0]:.4g}"
    mean = float(before.mean()), float(now.mean())
    if mean[0] == mean[1]:
        return "none", ""
    return "higher" if mean[1] > mean[0] else "lower", f"mean {mean[1]:.4g}, was {mean[0]:.4g}"

"""How strongly two columns are associated, by the measure that suits their kinds.

two numbers                   Pearson (a straight line) and Spearman (ever more, or ever less), from -1 to 1
two categories                Cramér's V, bias-corrected (Bergsma 2013)
a number and a category       the correlation ratio, as its less biased square root of epsilon² (Kelley 1935)

The corrections matter: without them a column of a hundred rare values is associated with anything. Dates
count as numbers. All of them use the rows in which both columns are known.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from data_processor.datasets.exploration.schemas import Associations, Pair, Strength

COMPARED = 30
"""Columns that are compared with each other."""
_FEWEST = 3
"""Two rows always lie on a line."""


@dataclass(frozen=True)
class Numbers:
    """A column as numbers; NaN is missing."""

    values: NDArray[np.float64]

    @cached_property
    def known(self) -> NDArray[np.bool_]:
        """Where there is a value."""
        return np.isfinite(self.values)

    @cached_property
    def ranks(self) -> NDArray[np.float64]:
        """The ranks of the values, if all are known."""
        return rankdata(self.values)


@dataclass(frozen=True)
class Codes:
    """A column as the numbers of its categories; a negative one is missing."""

    values: NDArray[np.intp]

    @cached_property
    def known(self) -> NDArray[np.bool_]:
        """Where there is a value."""
        known: NDArray[np.bool_] = self.values >= 0
        return known


Encoded = Numbers | Codes


def associate(
    columns: dict[str, Encoded], target: str, tell: Callable[[float], None]
) -> tuple[dict[str, Strength], Associations]:
    """Return how strongly each column is associated with the target, and the strongest with each other.

    `tell` is told the share that is done, from 0 to 1.
    """
    with_target = {
        name: found[-1]
        for name, column in columns.items()
        if name != target and target in columns and (found := strengths(column, columns[target]))
    }
    ranked = sorted((n for n in columns if n != target), key=lambda name: -_size(with_target.get(name)))
    chosen = set(ranked[:COMPARED]) | {target}
    names = [name for name in columns if name in chosen]
    every = list(combinations(names, 2))
    pairs: list[Pair] = []
    for number, (first, second) in enumerate(every):
        tell(number / len(every))
        pairs += [
            Pair(first=first, second=second, measure=strength.measure, value=strength.value)
            for strength in strengths(columns[first], columns[second])
        ]
    return with_target, Associations(columns=names, left_out=len(columns) - len(names), pairs=pairs)


def strengths(first: Encoded, second: Encoded) -> list[Strength]:
    """Return how strongly two columns are associated; nothing if one is constant or hardly known."""
    both = first.known & second.known
    if int(both.sum()) < _FEWEST:
        return []
    found: dict[str, float | None]
    match first, second:
        case Numbers(), Numbers():
            found = {
                "pearson": _pearson(first.values[both], second.values[both]),
                "spearman": _spearman(first, second, both),
            }
        case Codes(), Codes():
            found = {"cramers-v": _cramers_v(first.values[both], second.values[both])}
        case Numbers(), Codes():
            found = {"correlation-ratio": _correlation_ratio(second.values[both], first.values[both])}
        case Codes(), Numbers():
            return strengths(second, first)
    return [
        Strength.model_validate({"measure": name, "value": value})
        for name, value in found.items()
        if value is not None
    ]


def _size(strength: Strength | None) -> float:
    return abs(strength.value) if strength else 0.0


def _pearson(first: NDArray[np.float64], second: NDArray[np.float64]) -> float | None:
    one, other = _centred(first), _centred(second)
    lengths = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float(np.clip(one @ other / lengths, -1, 1)) if lengths > 0 else None


def _spearman(first: Numbers, second: Numbers, both: NDArray[np.bool_]) -> float | None:
    if both.all():
        return _pearson(first.ranks, second.ranks)
    return _pearson(rankdata(first.values[both]), rankdata(second.values[both]))


def _cramers_v(first: NDArray[np.intp], second: NDArray[np.intp]) -> float | None:
    table = _cross(first, second)
    rows, columns = table.shape
    total = table.sum()
    if min(rows, columns) < 2 or total < _FEWEST:  # noqa: PLR2004  # a constant is associated with nothing
        return None
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / total
    phi = float(((table - expected) ** 2 / expected).sum() / total)
    phi = max(0.0, phi - (rows - 1) * (columns - 1) / (total - 1))
    rows_left = rows - (rows - 1) ** 2 / (total - 1)
    columns_left = columns - (columns - 1) ** 2 / (total - 1)
    room = min(rows_left, columns_left) - 1
    return float(min(1.0, np.sqrt(phi / room))) if room > 0 else None


def _correlation_ratio(codes: NDArray[np.intp], numbers: NDArray[np.float64]) -> float | None:
    every = np.bincount(codes)
    rows, sums = every[every > 0], np.bincount(codes, _centred(numbers))[every > 0]
    whole = float((_centred(numbers) ** 2).sum())
    total, groups = len(codes), len(rows)
    if groups < 2 or whole <= 0 or total <= groups:  # noqa: PLR2004  # a constant is associated with nothing
        return None
    within = max(0.0, 1 - float((sums**2 / rows).sum()) / whole)
    return float(np.sqrt(max(0.0, 1 - within * (total - 1) / (total - groups))))


def _cross(first: NDArray[np.intp], second: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return how often each two categories meet; none of them is without a row."""
    width = int(second.max()) + 1
    table = np.bincount(first * width + second, minlength=(int(first.max()) + 1) * width).reshape(-1, width)
    met: NDArray[np.float64] = table[table.any(axis=1)][:, table.any(axis=0)].astype(np.float64)
    return met


def _centred(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return values around 0 and no larger than 1 or so, so that their squares stay numbers."""
    largest = float(np.abs(values).max())
    scaled = values / largest if largest > 0 else values
    centred = scaled - scaled.mean()
    # What is left of a constant is rounding.
    return np.where(np.abs(centred) < 1e-14, 0.0, centred)  # noqa: PLR2004  # a few units in the last place

"""Comparing two models on the same rows: McNemar's exact test, the paired bootstrap, and the rows it takes.

Rows that share a group (an engine, a patient) are right and wrong together: there a group counts once. The
bootstrap draws groups, and instead of McNemar's test the sign of each group's difference is flipped.

Sources: McNemar 1947; Fisher 1935, *The design of experiments*, section 21, on flipping signs; Dietterich
1998, *Approximate statistical tests for comparing supervised classification learning algorithms*; Efron &
Tibshirani 1993, *An introduction to the bootstrap*, chapter 16; Hesterberg 2015, *What teachers should know
about the bootstrap*, on why resamples of few rows are too narrow.
"""

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, ndtr, ndtri, stdtr, stdtrit

from data_processor.statistics.clusters import FEWEST_GROUPS
from data_processor.statistics.measures import Flags, Floats, Measure, SelectionMetric, gain, value

RESAMPLES = 2_000
POWER = 0.80
"""How often the rows that are asked for would show a gain that is really there."""
FEWEST_BEYOND = 5
"""Below this many resamples that could lie beyond a level, the tail is not counted but taken as normal."""
FEWEST_ROWS = 30
"""The bootstrap says nothing of fewer rows."""
EXACT_GROUPS = 16
"""Up to so many groups every way of flipping their signs is counted."""
FLIPS = 10_000
"""Of more groups, so many ways are drawn."""
_WIDEST = 0.25
"""Above this level Student's t and the normal distribution are the same for our purposes."""
_CELLS = 1_000_000
"""Weights that are held in memory at a time."""


@dataclass(frozen=True, slots=True)
class Table:
    """How often two models were right, row by row."""

    both_right: int
    challenger_only: int
    champion_only: int
    both_wrong: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a paired test says of challenger and champion on some rows."""

    champion: float
    challenger: float
    gain: float
    """By how much the challenger is better; negative if it is worse."""
    p_better: float
    """How likely so large a gain is if the challenger is no better."""
    p_worse: float
    """How likely so large a loss is if the challenger is no worse."""
    discordance: float
    """A row's second moment of the gain; for right and wrong, the share of rows only one got right. Of rows
    in groups, a group's, as if all were of the same size."""
    margin: float = 0.0
    """A gain or a loss of no more than this is rounding."""


def table(champion: Flags, challenger: Flags) -> Table:
    """Count the four ways in which two models were right or wrong."""
    both = int((champion & challenger).sum())
    challengers, champions = int(challenger.sum()) - both, int(champion.sum()) - both
    return Table(both, challengers, champions, len(champion) - both - challengers - champions)


def mcnemar(wins: int, losses: int) -> float:
    """Return the exact p-value of at least so many wins among the discordant rows, if both are as likely."""
    return float(betainc(wins, losses + 1, 0.5)) if wins else 1.0


def sign_flip(differences: Floats, seed: int) -> tuple[float, float]:
    """Return how likely a sum at least, and at most, as large is if each difference may have either sign.

    Exact up to `EXACT_GROUPS` differences that are not zero, else by `FLIPS` draws.
    """
    sizes, counts = np.unique(np.abs(differences[differences != 0]), return_counts=True)
    if not len(sizes):
        return 1.0, 1.0
    if counts.sum() <= EXACT_GROUPS:
        signs = np.array(list(itertools.product((-1.0, 1.0), repeat=int(counts.sum()))))
        sums, extra = signs @ np.repeat(sizes, counts), 0
    else:
        # Of equal sizes it matters only how many are positive.
        positive = np.random.default_rng(seed).binomial(counts, 0.5, (FLIPS, len(counts)))
        sums, extra = (2 * positive - counts) @ sizes, 1  # what was seen is one of the ways
    observed, rounding = float(differences.sum()), 1e-9 * float(sizes @ counts)
    at_least, at_most = (sums >= observed - rounding).sum(), (sums <= observed + rounding).sum()
    return float(at_least + extra) / (len(sums) + extra), float(at_most + extra) / (len(sums) + extra)


def compare_right(
    champion: Flags, challenger: Flags, groups: NDArray[Any] | None = None, *, seed: int = 0
) -> Comparison:
    """Compare two models by whether each answer was right: one-sided, both ways.

    By exact McNemar tests; of rows in groups, shape (rows,), by flipping the signs of their differences.
    """
    rows, counts = len(champion), table(champion, challenger)
    wins, losses = counts.challenger_only, counts.champion_only
    if groups is None:
        better, worse, discordance = mcnemar(wins, losses), mcnemar(losses, wins), (wins + losses) / rows
    else:
        _, which = np.unique(groups, return_inverse=True)
        differences: Floats = np.bincount(which, challenger.astype(np.float64) - champion).astype(np.float64)
        better, worse = sign_flip(differences, seed)
        discordance = float(np.mean((differences * len(differences) / rows) ** 2))
    return Comparison(
        champion=(counts.both_right + losses) / rows,
        challenger=(counts.both_right + wins) / rows,
        gain=(wins - losses) / rows,
        p_better=better,
        p_worse=worse,
        discordance=discordance,
    )


def compare_measured(
    metric: SelectionMetric,
    champion: Measure,
    challenger: Measure,
    *,
    rows: int,
    alpha: float,
    seed: int,
    groups: NDArray[Any] | None = None,
    margin: float = 0.0,
) -> Comparison:
    """Compare two models by a metric: the same rows are drawn again and again, with replacement, for both.

    A p-value is the share of resamples that show no gain, each moved away from the gain by as much as
    Student's t is wider than the bootstrap at `alpha`: else equal models would pass too often on few rows.
    Where too few resamples could lie beyond `alpha` to be counted, it is Student's tail beyond the gain, in
    standard errors of the resamples. Fewer than `FEWEST_ROWS` rows say nothing: resamples are too much alike.
    Of rows in groups, shape (rows,), groups are drawn and count, at least `FEWEST_GROUPS`.

    A resample shows a gain, or a loss, if it is larger than `margin`: what rounding does to a model's answers
    it does to all rows alike, and no number of rows makes it chance.
    """
    which, units = _units(rows, groups)
    weights = _weights(units, which, np.random.default_rng(seed))
    drawn = np.concatenate([gain(metric, challenger(w), champion(w)) for w in weights])
    was, would_be = value(champion, rows), value(challenger, rows)
    gained = float(gain(metric, np.asarray([would_be]), np.asarray([was]))[0])
    error = float(np.std(drawn[np.isfinite(drawn)])) if np.isfinite(drawn).any() else math.nan
    better, worse = 1.0, 1.0
    if units >= _fewest(groups):
        better = _tail(gained - margin, drawn - margin, error, alpha=alpha, units=units)
        worse = _tail(-gained - margin, -drawn - margin, error, alpha=alpha, units=units)
    return Comparison(
        champion=was,
        challenger=would_be,
        gain=gained,
        p_better=better,
        p_worse=worse,
        discordance=units * error**2 + gained**2,
        margin=margin,
    )


def intervals(
    pairs: Mapping[SelectionMetric, tuple[Measure, Measure]],
    *,
    rows: int,
    level: float,
    seed: int,
    groups: NDArray[Any] | None = None,
) -> dict[SelectionMetric, tuple[float, float] | None]:
    """Return where the difference "second minus first" lies by each metric, at a confidence level.

    The percentiles of paired resamples, moved outwards as Hesterberg 2015 (section 4.1.3) does for few rows:
    at Φ(-√(n / (n - 1)) t) instead of (1 - level) / 2. None below `FEWEST_ROWS` and where there is no value.
    Of rows in groups, groups are drawn and count, at least `FEWEST_GROUPS`.
    """
    which, units = _units(rows, groups)
    if units < _fewest(groups):
        return dict.fromkeys(pairs)
    drawn: dict[SelectionMetric, list[Floats]] = {metric: [] for metric in pairs}
    for weights in _weights(units, which, np.random.default_rng(seed)):
        for metric, (first, second) in pairs.items():
            drawn[metric].append(second(weights) - first(weights))
    tail = float(ndtr(-math.sqrt(units / (units - 1)) * stdtrit(units - 1, (1 + level) / 2)))
    found: dict[SelectionMetric, tuple[float, float] | None] = {}
    for metric, parts in drawn.items():
        differences = np.concatenate(parts)
        differences = differences[np.isfinite(differences)]
        low, high = np.quantile(differences, [tail, 1 - tail]) if len(differences) else (math.nan, math.nan)
        found[metric] = (float(low), float(high)) if len(differences) else None
    return found


def rows_needed(comparison: Comparison, rows: int, alpha: float) -> int | None:
    """Return how many rows would show a gain of this size at level `alpha`, four times out of five.

    n = ((z_{1-alpha} √d + z_{0.8} √(d - g²)) / g)², gain g, discordance d; None if there is no gain to show.
    Of rows in groups, `rows` and the answer count groups.
    """
    g, d = comparison.gain, comparison.discordance
    if not (math.isfinite(g) and math.isfinite(d)) or g <= comparison.margin:
        return None
    at_level, with_power = float(ndtri(1 - alpha)), float(ndtri(POWER))
    needed = ((at_level * math.sqrt(d) + with_power * math.sqrt(max(d - g * g, 0.0))) / g) ** 2
    return max(math.ceil(needed), rows + 1)


def count_groups(groups: NDArray[Any] | None) -> int | None:
    """Return how many groups there are, if rows are in groups."""
    return None if groups is None else len(np.unique(groups))


def _units(rows: int, groups: NDArray[Any] | None) -> tuple[NDArray[np.int64] | None, int]:
    """Return the number of each row's group, if there are any, and how many units can be drawn."""
    if groups is None:
        return None, rows
    found, which = np.unique(groups, return_inverse=True)
    return which, len(found)


def _fewest(groups: NDArray[Any] | None) -> int:
    return FEWEST_ROWS if groups is None else FEWEST_GROUPS


def _weights(units: int, which: NDArray[np.int64] | None, rng: np.random.Generator) -> Iterator[Floats]:
    """Draw resamples as counts, shape (some resamples, rows), until there are enough."""
    step = max(1, _CELLS // (units if which is None else len(which)))
    for at in range(0, RESAMPLES, step):
        some = min(step, RESAMPLES - at)
        drawn = rng.integers(0, units, (some, units)) + units * np.arange(some)[:, None]
        counts = np.bincount(drawn.ravel(), minlength=some * units).reshape(some, units).astype(np.float64)
        yield counts if which is None else counts[:, which]


def _tail(gained: float, drawn: Floats, error: float, *, alpha: float, units: int) -> float:
    too_narrow = math.sqrt(units / (units - 1))
    if alpha * (len(drawn) + 1) >= FEWEST_BEYOND:
        at = 1 - min(alpha, _WIDEST)
        moved = gained + (drawn - gained) * too_narrow * float(stdtrit(units - 1, at) / ndtri(at))
        beyond = len(drawn) - int((moved > 0).sum())  # a resample without a value shows no gain
        return (1 + beyond) / (1 + len(drawn))
    if error > 0:
        return float(stdtr(units - 1, -gained / (error * too_narrow)))
    return 0.0 if error == 0 and gained > 0 else 1.0

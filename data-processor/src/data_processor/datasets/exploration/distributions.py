"""How the values of a column are distributed: a row of bars, and the bar of each row of the table."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data_processor.datasets.exploration.schemas import (
    Counts,
    Distribution,
    Histogram,
    Periods,
    Statistics,
    Unit,
)

BARS = 30
LISTED = 20
"""Values of a categorical column that have a bar of their own."""
NOWHERE = -1
"""The bar of a row that has none: its value is missing, extreme or not listed."""
_INNER = (0.005, 0.995)
_FAR = 3.0
"""Where the ends lie this many times as far apart as nearly all numbers, the extreme ones get no bar."""
_LARGEST, _EXACT = 1e300, 2.0**52
_PERIODS = 60
_UNITS: tuple[tuple[Unit, str, float], ...] = (
    ("hour", "h", 1 / 24),
    ("day", "D", 1.0),
    ("month", "M", 30.5),
    ("quarter", "Q", 91.5),
    ("year", "Y", 365.25),
)


@dataclass(frozen=True, slots=True)
class Placed:
    """A distribution, and the bar of each row."""

    distribution: Distribution
    bars: NDArray[np.intp]
    """Shape (rows,): 0 for the first bar, `NOWHERE` for none."""


def histogram(numbers: NDArray[np.float64]) -> Placed | None:
    """Count numbers in bins; NaN is missing. None if there is no number, or one too large for a scale."""
    known = numbers[np.isfinite(numbers)]
    if not len(known):
        return None
    low, high = _ends(known)
    if max(abs(low), abs(high)) > _LARGEST:
        return None
    whole = bool((known == np.floor(known)).all()) and max(abs(low), abs(high)) < _EXACT
    edges = _whole_edges(low, high) if whole else _edges(low, high)
    bars = np.searchsorted(edges, numbers, side="right") - 1
    bars[numbers == edges[-1]] = len(edges) - 2
    outside = ~np.isfinite(numbers) | (numbers < edges[0]) | (numbers > edges[-1])
    bars[outside] = NOWHERE
    shown = Histogram(
        edges=edges.tolist(),
        counts=_count(bars, len(edges) - 1),
        below=int((known < edges[0]).sum()),
        above=int((known > edges[-1]).sum()),
        whole=whole,
    )
    return Placed(shown, bars)


def counts(values: "pd.Series[Any]") -> Placed | None:
    """Count texts; none if there are none."""
    found = values.dropna().value_counts()
    if found.empty:
        return None
    # Equally frequent values go by name: the same table always gives the same profile.
    ranked = sorted(found.items(), key=lambda pair: (-pair[1], str(pair[0])))
    listed = [str(value) for value, _ in ranked[:LISTED]]
    bars = pd.Index(listed).get_indexer(pd.Index(values.astype("object")))
    rest = ranked[LISTED:]
    shown = Counts(
        labels=listed,
        counts=_count(bars, len(listed)),
        others=sum(int(times) for _, times in rest),
        other_values=len(rest),
    )
    return Placed(shown, bars)


def periods(timestamps: "pd.Series[Any]") -> Placed | None:
    """Count timestamps in periods of the calendar, at most 60 of them; none if there is no timestamp."""
    known = timestamps.dropna()
    if known.empty:
        return None
    days = (known.max() - known.min()) / pd.Timedelta(days=1)
    units = _UNITS[1:] if bool((known == known.dt.normalize()).all()) else _UNITS
    unit, code, _ = next((u for u in units if days / u[2] < _PERIODS - 1), _UNITS[-1])
    ordinals = known.dt.to_period(code).astype("int64").to_numpy()
    begin = int(ordinals.min())
    step = math.ceil((int(ordinals.max()) - begin + 1) / _PERIODS)
    bars = np.full(len(timestamps), NOWHERE)
    bars[timestamps.notna().to_numpy()] = (ordinals - begin) // step
    number = int(bars.max()) + 1
    starts = [pd.Period(ordinal=begin + step * place, freq=code) for place in range(number)]
    shown = Periods(
        unit=unit, step=step, starts=[_start(start, unit) for start in starts], counts=_count(bars, number)
    )
    return Placed(shown, bars)


def statistics(numbers: NDArray[np.float64]) -> Statistics | None:
    """Return a numeric column in a few numbers; what is too large to be computed is none."""
    known = numbers[np.isfinite(numbers)]
    if not len(known):
        return None
    with np.errstate(all="ignore"):
        lower, median, upper = np.quantile(known, (0.25, 0.5, 0.75))
        return Statistics(
            minimum=finite(known.min()),
            lower_quartile=finite(lower),
            median=finite(median),
            mean=finite(known.mean()),
            upper_quartile=finite(upper),
            maximum=finite(known.max()),
            deviation=finite(known.std(ddof=1)) if len(known) > 1 else None,
        )


def finite(value: float) -> float | None:
    """Return a number as JSON can say it; none for what is infinite or not a number."""
    return float(value) if math.isfinite(value) else None


def _ends(known: NDArray[np.float64]) -> tuple[float, float]:
    """Return where the bars begin and end: extreme numbers must not squeeze all others into one bar."""
    low, high = float(known.min()), float(known.max())
    inner = np.quantile(known, _INNER)
    span = float(inner[1] - inner[0])
    far = span > 0 and high / 2 - low / 2 > _FAR * span / 2
    return (float(inner[0]), float(inner[1])) if far else (low, high)


def _whole_edges(low: float, high: float) -> NDArray[np.float64]:
    """Return edges between whole numbers: each bar stands for as many of them as any other."""
    begin, end = math.floor(low), math.ceil(high)
    width = math.ceil((end - begin + 1) / BARS)
    bars = math.ceil((end - begin + 1) / width)
    return begin - 0.5 + width * np.arange(bars + 1, dtype=np.float64)


def _edges(low: float, high: float) -> NDArray[np.float64]:
    edges = np.unique(np.linspace(low, high, BARS + 1))
    return edges if len(edges) > 1 else np.array([low, np.nextafter(low, np.inf)])


def _start(period: pd.Period, unit: Unit) -> str:
    """Return when a period begins; it knows its last day, and years that timestamps do not reach."""
    month = {"quarter": 3 * period.quarter - 2, "year": 1}.get(unit, period.month)
    day = f"{period.year:04}-{month:02}-{period.day if unit in ('hour', 'day') else 1:02}"
    return f"{day}T{period.hour:02}:00:00" if unit == "hour" else day


def _count(bars: NDArray[np.intp], number: int) -> list[int]:
    listed: list[int] = np.bincount(bars[bars != NOWHERE], minlength=number).tolist()
    return listed

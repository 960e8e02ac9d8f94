"""A column's distribution as bars to be drawn: labelled, divided by class, with what is said of the target.

Heights and shares are percent of a chart's height: whoever draws multiplies nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from data_processor.datasets.exploration.schemas import ColumnProfile, Counts, Distribution, Histogram

_TWO_ERRORS = 1.96


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a bar, from the top of the chart, in percent."""

    top: float
    height: float
    colour: int
    """The place of its class; 0 if there are none."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of a distribution."""

    label: str
    count: int
    said: str
    """Everything it says, for whoever points at it."""
    stack: list[Part]
    """The count, by class, against the highest bar."""
    shares: list[Part]
    """The classes alone; empty for a regression and where no class is known."""
    mean: tuple[float, float, float] | None
    """Regression: the mean, and the ends of its 95 % interval, from the top, no further than the edges."""


def bars(column: ColumnProfile, classes: Sequence[str]) -> list[Bar]:
    """Return the bars of a column that has a distribution."""
    assert column.distribution is not None  # noqa: S101  # the caller asks for those that have one
    most = max(column.distribution.counts, default=0) or 1
    by = column.by_target
    scale = _Scale.of(by.means) if by and by.means else None
    made = []
    for place, (label, count) in enumerate(
        zip(labels(column.distribution), column.distribution.counts, strict=True)
    ):
        here = [rows[place] for rows in by.counts] if by else []
        said = [f"{label}: {count:,} rows", *_said_of_classes(here, classes)]
        mean = None
        if by and scale and (value := by.means[place]) is not None:
            error = _TWO_ERRORS * (by.errors[place] or 0.0)
            mean = (scale.top(value), scale.top(value + error), scale.top(value - error))
            said.append(f"mean of the target {value:.6g} of {by.rows[place]:,} rows")
        # Rows whose class is not shown stand at the bottom of their bar, in the colour of no class.
        rest = [(count - sum(here), len(classes))]
        made.append(
            Bar(
                label=label,
                count=count,
                said="; ".join(said),
                stack=_pile([*rest, *((rows, code) for code, rows in enumerate(here))], most),
                shares=_pile([(rows, code) for code, rows in enumerate(here)], sum(here)),
                mean=mean,
            )
        )
    return made


def labels(distribution: Distribution) -> list[str]:
    """Return what each bar of a distribution stands for."""
    if isinstance(distribution, Counts):
        return distribution.labels
    if isinstance(distribution, Histogram):
        ends = zip(distribution.edges, distribution.edges[1:], strict=False)
        return [_whole(*pair) if distribution.whole else f"{pair[0]:.4g} to {pair[1]:.4g}" for pair in ends]
    if distribution.unit == "hour":
        return [start.replace("T", " ")[:16] for start in distribution.starts]
    characters = {"day": 10, "month": 7, "quarter": 7, "year": 4}[distribution.unit]
    return [start[:characters] for start in distribution.starts]


@dataclass(frozen=True, slots=True)
class _Scale:
    low: float
    span: float

    @classmethod
    def of(cls, means: Sequence[float | None]) -> "_Scale | None":
        known = [mean for mean in means if mean is not None]
        if not known:
            return None
        low, high = min(known), max(known)
        room = 0.1 * (high - low) or 1.0
        return cls(low - room, high - low + 2 * room)

    def top(self, value: float) -> float:
        return round(min(100.0, max(0.0, 100 - 100 * (value - self.low) / self.span)), 2)


def _said_of_classes(rows: Sequence[int], classes: Sequence[str]) -> list[str]:
    total = sum(rows)
    if not total:
        return []
    return [
        f"{label} {100 * count / total:.1f} %" for label, count in zip(classes, rows, strict=True) if count
    ]


def _pile(rows: Sequence[tuple[int, int]], whole: int) -> list[Part]:
    """Put counts, with their colours, on each other from the bottom."""
    parts, height = [], 0.0
    for count, colour in rows:
        if count > 0:
            part = 100 * count / whole
            height += part
            parts.append(Part(round(100 - height, 2), round(part, 2), colour))
    return parts


def _whole(low: float, high: float) -> str:
    first, last = round(low + 0.5), round(high - 0.5)
    return f"{first}" if first == last else f"{first} to {last}"

"""Lines over time, alone or one upon another, with an axis and a legend that has their last values."""

import math
import time
from collections.abc import Sequence
from itertools import pairwise

from compose_stack.observability.pictures.canvas import Box, Canvas, Points
from compose_stack.observability.pictures.units import written

MOST_POINTS = 90
AXIS, CLOCK, ENTRY = 58, 16, 15
"""Widths and heights of the labels of values, of those of time, and of a line of the legend."""
MOST_ENTRIES, IN_TWO_COLUMNS = 4, 3
TICKS = 4
SIZES = {"bytes": (1024.0, 1024.0**2, 1024.0**3), "s": (60.0, 3600.0, 86_400.0)}
"""Where a unit has larger ones, in which round values are then round."""

Named = Sequence[tuple[str, Points]]


def draw_lines(
    canvas: Canvas, box: Box, series: Named, span: tuple[float, float], unit: str, *, stacked: bool = False
) -> None:
    """Draw series that have points, with the unit of their values, over a span of seconds since 1970."""
    height = _legend(canvas, box, series, unit)
    plot = Box(box.x + AXIS, box.y + 4, box.width - AXIS, box.height - height - CLOCK - 4)
    layers: list[tuple[Points, Points | None]]
    layers = _stack([points for _, points in series]) if stacked else [(points, None) for _, points in series]
    values = [value for upper, _ in layers for _, value in upper]
    ticks = _ticks(min(0.0, *values), max(values), unit)
    for tick in ticks:
        y = _height(plot, ticks, tick)
        canvas.line(plot.x, y, plot.x + plot.width, y)
        canvas.text(plot.x - 6, y + 4, written(tick, unit), size=10.5, anchor="end", colour="muted")
    for at, anchor in ((span[0], "start"), (span[1], "end")):
        x = plot.x if anchor == "start" else plot.x + plot.width
        clock = time.strftime("%H:%M", time.gmtime(at))
        canvas.text(x, plot.y + plot.height + 13, clock, size=10.5, anchor=anchor, colour="muted")
    for number, (upper, lower) in reversed(list(enumerate(layers))):
        if lower is not None:
            canvas.area(_placed(upper, plot, span, ticks), _placed(lower, plot, span, ticks), number)
        for part in _parts(upper):
            canvas.curve(_placed(part, plot, span, ticks), number)


def _legend(canvas: Canvas, box: Box, series: Named, unit: str) -> float:
    columns = 2 if len(series) >= IN_TWO_COLUMNS else 1
    rows = min(MOST_ENTRIES, math.ceil(len(series) / columns))
    width = box.width / columns
    shown = series[: rows * columns]
    for number, (name, points) in enumerate(shown):
        x = box.x + width * (number % columns)
        y = box.y + box.height - (rows - 1 - number // columns) * ENTRY
        left = len(series) - len(shown)
        if left and number == len(shown) - 1:
            canvas.text(x, y, f"and {left + 1} more", size=11, colour="muted")
            continue
        last = written(points[-1][1], unit)
        canvas.key(x, y, number)
        canvas.text(x + 17, y, f"{name or 'value'}: {last}", size=11, most=width - 24)
    return rows * ENTRY


def _thin(points: Points) -> Points:
    """Return points as many as can be told apart, the last one among them."""
    every = math.ceil(len(points) / MOST_POINTS)
    return [point for number, point in enumerate(reversed(points)) if number % every == 0][::-1]


def _stack(series: Sequence[Points]) -> list[tuple[Points, Points | None]]:
    """Return the upper and the lower edge of each series, if each stands upon those before it."""
    times = sorted({at for points in series for at, _ in points})
    below = dict.fromkeys(times, 0.0)
    layers: list[tuple[Points, Points | None]] = []
    for points in series:
        values = dict(points)
        above = {at: below[at] + values.get(at, 0.0) for at in times}
        layers.append((list(above.items()), list(below.items())))
        below = above
    return layers


def _parts(points: Points) -> list[Points]:
    """Return a line in parts: where values are missing for long, it is interrupted."""
    steps = sorted(after[0] - before[0] for before, after in pairwise(points))
    usual = steps[len(steps) // 2] if steps else 0.0
    parts: list[list[tuple[float, float]]] = [[]]
    for point in points:
        if parts[-1] and point[0] - parts[-1][-1][0] > 3 * usual:
            parts.append([])
        parts[-1].append(point)
    return [[*part, (part[0][0] + usual / 2, part[0][1])] if len(part) == 1 else part for part in parts]


def _ticks(low: float, high: float, unit: str) -> list[float]:
    """Return round values that span a range, from the lowest to the highest."""
    if high <= low:
        high = low + 1.0
    rough = (high - low) / (TICKS - 1)
    base = max((size for size in SIZES.get(unit, ()) if size <= rough), default=1.0)
    power = 10 ** math.floor(math.log10(rough / base))
    step = base * power * next(size for size in (1, 2, 2.5, 5, 10) if size * power * base >= rough * 0.999)
    return [step * n for n in range(math.floor(low / step), math.ceil(high / step - 1e-9) + 1)]


def _height(plot: Box, ticks: Sequence[float], value: float) -> float:
    share = (value - ticks[0]) / (ticks[-1] - ticks[0])
    return plot.y + plot.height * (1 - share)


def _placed(points: Points, plot: Box, span: tuple[float, float], ticks: Sequence[float]) -> Points:
    """Return where points of a series are in the drawing, without those that one could not tell apart."""
    across = plot.width / (span[1] - span[0])
    placed = ((plot.x + (at - span[0]) * across, _height(plot, ticks, value)) for at, value in points)
    return [(min(plot.x + plot.width, max(plot.x, x)), y) for x, y in _thin(list(placed))]

"""Pictures of dashboards, as SVG, for the docs: drawn from their files and from what their queries answered.

Panels stand where Grafana puts them and show the same series with the same units; Grafana's own controls and
colours are not imitated.
"""

import json
import math
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from compose_stack.observability.asking import Backends, questions_of
from compose_stack.observability.pictures.canvas import Box, Canvas
from compose_stack.observability.pictures.charts import draw_lines
from compose_stack.observability.pictures.units import written

WIDTH, MARGIN, COLUMNS, ROW_HEIGHT, GAP = 1200, 12, 24, 25, 8
LINE = 17
FRESH_S = 6.0
"""Tables and figures show what has a value at the end, to a step of the query; not what had one."""
ELSEWHERE = {"loki": "Log lines from Loki.", "tempo": "Traces from Tempo."}
"""What stands in a panel whose source did not run."""
SAID_BY_ALL = ("timestamp", "level", "event", "logger", "service", "stage", "trace_id")
CALLS = "{{client}} → {{server}}"
NAMELESS = ("__name__", "job")


@dataclass(frozen=True)
class Series:
    """What one line, row or figure of a panel shows."""

    name: str
    points: Sequence[tuple[float, float]]
    """Seconds since 1970, and the value then."""

    @property
    def last(self) -> float:
        """The newest value."""
        return self.points[-1][1]


def picture(path: Path, backends: Backends, variables: Mapping[str, str], start: float, end: float) -> str:
    """Return the picture of the dashboard in a file, over a span of seconds since 1970."""
    board = json.loads(path.read_text())
    rows = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in board["panels"])
    canvas = Canvas(WIDTH, 44 + rows * ROW_HEIGHT + MARGIN, f"{board['title']}: {board['description']}")
    canvas.text(MARGIN + 2, 28, board["title"], size=18, weight=600)
    chosen = ", ".join(variables[name] for name in ("stage", "model") if _varies(board, name))
    canvas.text(WIDTH - MARGIN, 28, chosen, size=13, anchor="end", colour="muted")
    for panel in board["panels"]:
        box = _place(panel["gridPos"])
        if panel["type"] == "row":
            canvas.text(box.x + 2, box.y + 19, panel["title"], size=14, weight=600, colour="muted")
        else:
            _draw(canvas, box, panel, _Answers(panel, backends, variables, start, end))
    return canvas.as_svg()


def _varies(board: Mapping[str, Any], name: str) -> bool:
    return any(variable["name"] == name for variable in board["templating"].get("list", ()))


def _place(grid: Mapping[str, int]) -> Box:
    unit = (WIDTH - 2 * MARGIN) / COLUMNS
    return Box(
        MARGIN + grid["x"] * unit,
        44 + grid["y"] * ROW_HEIGHT,
        grid["w"] * unit - GAP,
        grid["h"] * ROW_HEIGHT - GAP,
    )


class _Answers:
    """What the queries of one panel answered."""

    def __init__(
        self,
        panel: Mapping[str, Any],
        backends: Backends,
        variables: Mapping[str, str],
        start: float,
        end: float,
    ) -> None:
        self.start, self.end = start, end
        self.series: list[Series] = []
        self.lines: list[str] = []
        self.elsewhere: str | None = None
        for question, target in zip(questions_of(panel, "", variables), panel["targets"], strict=True):
            if not backends.knows(question):
                self.elsewhere = ELSEWHERE[question.source]
                continue
            found = backends.answer(question, start, end)
            match question.source:
                case "loki":
                    self.lines += _log_lines(found)
                case "tempo":
                    self.lines += [_trace_line(trace) for trace in found]
                case _:
                    self.series += _read(found, target, end)


def _read(found: Sequence[Mapping[str, Any]], target: Mapping[str, Any], end: float) -> Iterator[Series]:
    """Yield the series of an answer, under the names that the panel gives them."""
    for one in found:
        points = [(float(at), float(value)) for at, value in one["values"] if math.isfinite(float(value))]
        if not points:
            continue
        if not target.get("instant") or points[-1][0] >= end - FRESH_S:
            legend = CALLS if "serviceMapQuery" in target else target.get("legendFormat", "__auto")
            yield Series(_named(legend, one["metric"]), points)


def _named(legend: str, labels: Mapping[str, str]) -> str:
    if legend == "__auto":
        return " · ".join(value for name, value in labels.items() if name not in NAMELESS) or "value"
    return re.sub(r"{{\s*(\w+)\s*}}", lambda found: labels.get(found[1], ""), legend).strip()


def _log_lines(streams: Sequence[Mapping[str, Any]]) -> list[str]:
    found = sorted(
        ((int(at), line) for stream in streams for at, line in stream["values"]), key=lambda one: -one[0]
    )
    return [f"{time.strftime('%H:%M:%S', time.gmtime(at / 1e9))}  {_said(line)}" for at, line in found]


def _said(line: str) -> str:
    """Return what a line of structured logs says, without what every line says."""
    try:
        said = json.loads(line)
    except ValueError:
        return line
    rest = " ".join(f"{name}={value}" for name, value in said.items() if name not in SAID_BY_ALL)
    return f"{said.get('level', '')}  {said.get('event', '')}  {rest}"


def _trace_line(trace: Mapping[str, Any]) -> str:
    took = written(float(trace.get("durationMs", 0)), "ms")
    root = f"{trace.get('rootServiceName', '')}  {trace.get('rootTraceName', '')}"
    return f"{trace['traceID'][:8]}  {root}  {took}"


def _draw(canvas: Canvas, box: Box, panel: Mapping[str, Any], answers: _Answers) -> None:
    canvas.panel(box)
    canvas.text(box.x + 10, box.y + 20, panel["title"], size=13, weight=600, most=box.width - 20)
    inside = Box(box.x + 10, box.y + 30, box.width - 20, box.height - 38)
    unit: str = panel["fieldConfig"]["defaults"]["unit"]
    if answers.lines:
        _list(canvas, inside, answers.lines)
    elif not answers.series:
        empty = panel["fieldConfig"]["defaults"]["noValue"]
        canvas.wrapped(inside, answers.elsewhere or empty)
    elif panel["type"] == "timeseries":
        stacked = panel["fieldConfig"]["defaults"]["custom"].get("stacking", {}).get("mode") == "normal"
        named = [(series.name, series.points) for series in answers.series]
        draw_lines(canvas, inside, named, (answers.start, answers.end), unit, stacked=stacked)
    elif panel["type"] == "stat":
        _figures(canvas, inside, answers.series, unit)
    else:
        _table(canvas, inside, answers.series, unit)


def _list(canvas: Canvas, box: Box, lines: Sequence[str]) -> None:
    for number, line in enumerate(lines[: int(box.height / LINE)]):
        canvas.text(box.x, box.y + 12 + number * LINE, line, size=11, most=box.width, mono=True)


def _table(canvas: Canvas, box: Box, series: Sequence[Series], unit: str) -> None:
    room = int(box.height / LINE)
    for number, one in enumerate(series[:room]):
        y = box.y + 12 + number * LINE
        if number == room - 1 and len(series) > room:
            canvas.text(box.x, y, f"and {len(series) - number} more", size=12, colour="muted")
            return
        canvas.text(box.x, y, one.name, size=12, most=box.width - 80)
        canvas.text(box.x + box.width, y, written(one.last, unit), size=12, anchor="end")
        canvas.line(box.x, y + 5, box.x + box.width, y + 5)


def _figures(canvas: Canvas, box: Box, series: Sequence[Series], unit: str) -> None:
    each = box.width / len(series)
    for number, one in enumerate(series):
        middle = box.x + each * (number + 0.5)
        canvas.text(
            middle, box.y + box.height / 2, written(one.last, unit), size=min(26, each / 5), anchor="middle"
        )
        below = box.y + box.height / 2 + 24
        canvas.text(middle, below, one.name, size=12, anchor="middle", colour="muted", most=each - 8)

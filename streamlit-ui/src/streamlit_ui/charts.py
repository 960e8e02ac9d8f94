"""The pages' charts, made from the gateway's answers; their colours suit a light and a dark background."""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import altair as alt
import pandas as pd

from streamlit_ui.contract.types import PromotionEntry, ScorePoint
from streamlit_ui.text import number, percent, shorten
from streamlit_ui.times import timestamp, when

ACCENT, MUTED, FIGURES = "#1c93a6", "#9fb2b9", "#6b7f87"
WARNING, BAD, PROMOTED = "#d98a1f", "#d1495b", "#3a9d6e"
COLOURS = (ACCENT, WARNING, "#7a5cc2", PROMOTED, BAD, FIGURES, "#b5838d", "#4361ee")
"""One for each of what is compared at once."""
# The library would write `06 AM`; the pages write 06:00, seconds where minutes would repeat themselves,
# and the day where one begins.
_TIME_LABEL = (
    "utcseconds(datum.value) ? utcFormat(datum.value, '%H:%M:%S')"
    " : utchours(datum.value) + utcminutes(datum.value)"
    " ? utcFormat(datum.value, '%H:%M') : utcFormat(datum.value, '%d %b')"
)
_MOST_CLASSES, _MOST_COUNTED = 8, 20
_SHORT, _LONG = 24, 40
MarkKind = Literal["Run started", "Promotion", "Rollback", "Version changed"]
_MARK_COLOURS: dict[MarkKind, str] = {
    "Run started": WARNING,
    "Promotion": PROMOTED,
    "Rollback": BAD,
    "Version changed": PROMOTED,
}


def probabilities(shares: Mapping[str, float], answered: str | None) -> alt.LayerChart:
    """Return the probability of each class as bars, the answered one in colour, the least likely left out."""
    ranked = sorted(shares.items(), key=lambda share: -share[1])[:_MOST_CLASSES]
    frame = pd.DataFrame(
        {
            "name": [shorten(name, _SHORT) for name, _ in ranked],
            "share": [share for _, share in ranked],
            "shown": [percent(share) for _, share in ranked],
            "answered": [name == answered for name, _ in ranked],
        }
    )
    base = alt.Chart(frame).encode(
        y=alt.Y("name:N", sort=None, title=None, axis=alt.Axis(ticks=False, domain=False, labelLimit=160)),
        x=alt.X("share:Q", scale=alt.Scale(domain=[0, 1.12]), axis=None),
        tooltip=[alt.Tooltip("name:N", title="Class"), alt.Tooltip("shown:N", title="Probability")],
    )
    bars = base.mark_bar(cornerRadiusEnd=3, height=18).encode(
        color=alt.condition(alt.datum.answered, alt.value(ACCENT), alt.value(MUTED))
    )
    figures = base.mark_text(align="left", dx=6, fontSize=13, color=FIGURES).encode(text="shown:N")
    return _plain((bars + figures).properties(height=34 * len(ranked) + 6))


def classes(counts: Mapping[str, int]) -> alt.LayerChart:
    """Return how many rows each class has as bars, the most frequent first, with its share."""
    ranked = sorted(counts.items(), key=lambda count: -count[1])[:_MOST_COUNTED]
    total = sum(counts.values()) or 1
    frame = pd.DataFrame(
        {
            "name": [shorten(name, _SHORT) for name, _ in ranked],
            "rows": [rows for _, rows in ranked],
            "shown": [f"{number(rows)} ({percent(rows / total)})" for _, rows in ranked],
        }
    )
    reach = 1.35 * max(frame["rows"], default=1)
    base = alt.Chart(frame).encode(
        y=alt.Y("name:N", sort=None, title=None, axis=alt.Axis(ticks=False, domain=False, labelLimit=160)),
        x=alt.X("rows:Q", scale=alt.Scale(domain=[0, reach]), axis=None),
        tooltip=[alt.Tooltip("name:N", title="Class"), alt.Tooltip("shown:N", title="Rows")],
    )
    bars = base.mark_bar(cornerRadiusEnd=3, height=18, color=ACCENT)
    figures = base.mark_text(align="left", dx=6, fontSize=13, color=FIGURES).encode(text="shown:N")
    return _plain((bars + figures).properties(height=34 * len(ranked) + 6))


def contributions(rows: Sequence[tuple[str, float, str]]) -> alt.LayerChart:
    """Return how far each input moved an answer as bars to either side: name, amount, and as text."""
    frame = pd.DataFrame(
        {
            "name": [shorten(name, _LONG) for name, _, _ in rows],
            "amount": [amount for _, amount, _ in rows],
            "shown": [shown for _, _, shown in rows],
            "up": [amount > 0 for _, amount, _ in rows],
        }
    )
    reach = 1.4 * max((abs(amount) for _, amount, _ in rows), default=0) or 1
    base = alt.Chart(frame).encode(
        y=alt.Y("name:N", sort=None, title=None, axis=alt.Axis(ticks=False, domain=False, labelLimit=240)),
        x=alt.X("amount:Q", scale=alt.Scale(domain=[-reach, reach]), axis=None),
        tooltip=[alt.Tooltip("name:N", title="Input"), alt.Tooltip("shown:N", title="Moved the answer by")],
    )
    bars = base.mark_bar(cornerRadiusEnd=3, height=18).encode(
        color=alt.condition(alt.datum.up, alt.value(ACCENT), alt.value(WARNING))
    )
    right = base.mark_text(align="left", dx=6, fontSize=13, color=FIGURES).encode(text="shown:N")
    left = base.mark_text(align="right", dx=-6, fontSize=13, color=FIGURES).encode(text="shown:N")
    layers = bars + right.transform_filter(alt.datum.up) + left.transform_filter(~alt.datum.up)
    return _plain(layers.properties(height=34 * len(rows) + 6))


def time_of(column: str) -> alt.X:
    """Return the axis of times in a column, in UTC."""
    return alt.X(
        f"{column}:T",
        title="Time (UTC)",
        scale=alt.Scale(type="utc", padding=14),
        axis=alt.Axis(grid=False, labelOverlap=True, tickCount=6, labelExpr=_TIME_LABEL),
    )


def marks(points: Sequence[ScorePoint], ledger: Iterable[PromotionEntry] | None) -> list[dict[str, Any]]:
    """Return what happened between the points: runs that the score started, promotions, rollbacks.

    Without the ledger, which only maintainers may read, a change of the version stands for a promotion.
    """
    opened: list[dict[str, Any]] = [
        {"kind": "Run started", "at": point["at"], "said": point.get("reason", "")}
        for point in points
        if point.get("run")
    ]
    if ledger is None:
        return opened + [
            {
                "kind": "Version changed",
                "at": after["at"],
                "said": f"Version {after.get('version')} took over.",
            }
            for before, after in itertools.pairwise(points)
            if before.get("version") and after.get("version") != before.get("version")
        ]
    moved = [
        {
            "kind": "Rollback" if entry.get("kind") == "rollback" else "Promotion",
            "at": entry["at"],
            "said": f"Version {entry['version']}: {entry.get('reason', '')}",
        }
        for entry in ledger
    ]
    return opened + moved


def score_over_time(
    points: Sequence[ScorePoint], threshold: float | None, happened: Sequence[Mapping[str, Any]]
) -> alt.LayerChart:
    """Return the score with its 95 % interval, the threshold, and marks for what happened."""
    frame = _course(points)
    # The first intervals reach far down: cut off where the values themselves would become hard to read.
    lowest = min([*frame["value"], threshold if threshold is not None else 1.0], default=0.0)
    scale = alt.Scale(domain=[max(0.0, round(lowest - 0.15, 1)), 1.0], nice=False)
    time = time_of("at")
    # A new version begins a new score: the line does not join the two.
    base = alt.Chart(frame).encode(x=time, detail="version:N")
    height = alt.Y("value:Q", title="Score", scale=scale, axis=alt.Axis(format="%"))
    layers = [
        base.mark_area(opacity=0.18, color=ACCENT, clip=True).encode(
            y=alt.Y("low:Q", scale=scale), y2="high:Q"
        ),
        base.mark_line(color=ACCENT, strokeWidth=2).encode(y=height),
        base.mark_circle(color=ACCENT, size=36, opacity=1).encode(
            y=height,
            tooltip=[
                alt.Tooltip("when:N", title="Time"),
                alt.Tooltip("shown:N", title="Score"),
                alt.Tooltip("interval:N", title="95 % interval"),
                alt.Tooltip("given:Q", title="Feedback"),
                alt.Tooltip("version:N", title="Version"),
            ],
        ),
        *_threshold(threshold, scale),
        *_marks(happened, time),
    ]
    # With Shift held, so that a page still scrolls where the chart is.
    zoom = alt.selection_interval(
        bind="scales",
        encodings=["x"],
        zoom="wheel![event.shiftKey]",
        translate="[pointerdown[event.shiftKey], window:pointerup] > window:pointermove!",
    )
    # The first layer alone carries it: Vega takes a selection of that name once.
    layers[0] = layers[0].add_params(zoom)
    return _plain(alt.LayerChart(layer=layers).properties(height=320))


def _course(points: Sequence[ScorePoint]) -> pd.DataFrame:
    known = [point for point in points if point.get("value") is not None and timestamp(point["at"])]
    return pd.DataFrame(
        {
            "at": [timestamp(point["at"]) for point in known],
            "value": [point.get("value") for point in known],
            "low": [point.get("low") for point in known],
            "high": [point.get("high") for point in known],
            "version": [str(point.get("version") or "–") for point in known],
            "when": [when(point["at"]) for point in known],
            "shown": [percent(point.get("value"), 1) for point in known],
            "interval": [
                f"{percent(point.get('low'), 1)} to {percent(point.get('high'), 1)}" for point in known
            ],
            "given": [point.get("n", 0) for point in known],
        }
    )


def _threshold(threshold: float | None, scale: alt.Scale) -> list[alt.Chart]:
    if threshold is None:
        return []
    frame = pd.DataFrame({"threshold": [threshold], "shown": [percent(threshold)]})
    rule = alt.Chart(frame).mark_rule(color=BAD, strokeDash=[6, 4])
    tooltip = alt.Tooltip("shown:N", title="Threshold")
    return [rule.encode(y=alt.Y("threshold:Q", scale=scale), tooltip=tooltip)]


def _marks(happened: Sequence[Mapping[str, Any]], time: alt.X) -> list[alt.Chart]:
    if not happened:
        return []
    frame = pd.DataFrame(
        {
            "at": [timestamp(mark["at"]) for mark in happened],
            "kind": [mark["kind"] for mark in happened],
            "when": [when(mark["at"]) for mark in happened],
            "said": [shorten(str(mark["said"]), 160) for mark in happened],
        }
    )
    used = [kind for kind in _MARK_COLOURS if kind in set(frame["kind"])]
    colour = alt.Color(
        "kind:N",
        title=None,
        scale=alt.Scale(domain=used, range=[_MARK_COLOURS[kind] for kind in used]),
        legend=alt.Legend(orient="top", direction="horizontal", columns=2, symbolType="triangle-down"),
    )
    tooltip = [
        alt.Tooltip("kind:N", title="What"),
        alt.Tooltip("when:N", title="Time"),
        alt.Tooltip("said:N", title="Why"),
    ]
    base = alt.Chart(frame).encode(x=time, color=colour, tooltip=tooltip)
    return [
        base.mark_rule(strokeWidth=1.5, opacity=0.8),
        base.mark_point(shape="triangle-down", filled=True, size=110, opacity=1, y=4),
    ]


def _plain(chart: alt.LayerChart) -> alt.LayerChart:
    framed: alt.LayerChart = chart.configure_view(strokeWidth=0)
    return framed

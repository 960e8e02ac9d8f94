"""The charts of one column: how its values are distributed, and the target by it."""

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict, TypeVar

import altair as alt
import pandas as pd

from streamlit_ui.contract.names import Distribution
from streamlit_ui.contract.types import ColumnProfile
from streamlit_ui.text import number, percent

COLOURS = ("#1c93a6", "#d98a1f", "#7b61b8", "#3a9d6e", "#d1495b", "#4f6fd0", "#a8763e", "#c95fa8")
"""Of the classes, the most frequent first; they hold on light and dark ground."""
OTHER, NO_CLASS = "other or none", "#9fb2b9"
ROW, AROUND = 26, 130
"""The height of a bar that lies on its side, and of what is around all bars: axis, title and legend."""
HEIGHT = 320
_INTERVAL = 1.96
"""Standard errors to either side of a mean: where it is with 95 %."""
_SPANS = {"hour": "h", "day": "D", "month": "M", "quarter": "Q", "year": "Y"}
_PIECE = ["label", "low", "high", "class", "rows", "rows_from", "rows_to", "share_from", "share_to", "shown"]

Drawn = TypeVar("Drawn", alt.Chart, alt.LayerChart)


class Bar(TypedDict):
    """Where a bar stands, and for what."""

    label: str
    low: Any
    high: Any


def distribution(column: ColumnProfile, classes: Sequence[str]) -> alt.Chart:
    """Return how the values of a column are distributed, each bar divided by class."""
    return _bars(column, classes, "rows", alt.Axis(title="Rows", tickMinStep=1))


def target_by(
    column: ColumnProfile, classes: Sequence[str], target: str
) -> alt.Chart | alt.LayerChart | None:
    """Return the share of each class, or the mean of the target, for each bar of a column, if it is known."""
    if column["by_target"] is None or column["distribution"] is None:
        return None
    if classes:
        return _bars(column, classes, "share", alt.Axis(title="Share of the rows", format="%"))
    return _means(column, target)


def colours(classes: Sequence[str]) -> alt.Scale:
    """Return the colour of each class."""
    return alt.Scale(domain=[*classes, OTHER], range=[*COLOURS[: len(classes)], NO_CLASS])


def places(found: Distribution) -> list[Bar]:
    """Return where each bar of a distribution stands."""
    if found["form"] == "counts":
        return [{"label": value, "low": value, "high": value} for value in found["labels"]]
    if found["form"] == "periods":
        length = {"hour": 16, "day": 10, "month": 7, "quarter": 7, "year": 4}[found["unit"]]
        code, step = _SPANS[found["unit"]], found["step"]
        return [
            {
                "label": start.replace("T", " ")[:length],
                "low": pd.Timestamp(start),
                "high": (pd.Period(start, code) + step).start_time,
            }
            for start in found["starts"]
        ]
    ends = zip(found["edges"], found["edges"][1:], strict=False)
    return [{"label": _label(low, high, found["whole"]), "low": low, "high": high} for low, high in ends]


def _label(low: float, high: float, whole: bool) -> str:
    if not whole:
        return f"{number(low)} to {number(high)}"
    first, last = round(low + 0.5), round(high - 0.5)
    return number(first) if first == last else f"{number(first)} to {number(last)}"


def _bars(column: ColumnProfile, classes: Sequence[str], what: str, axis: alt.Axis) -> alt.Chart:
    """Return the pieces of each class on each other; `what` they measure is `rows` or `share`."""
    found, by = column["distribution"], column["by_target"]
    assert found is not None  # noqa: S101  # the caller shows charts of what is distributed
    frame = _pieces(found, by["counts"] if by else [], classes)
    tooltip = [alt.Tooltip("label:N", title="Value"), alt.Tooltip("rows:Q", title="Rows", format=",")]
    colour: Any = alt.value(COLOURS[0])
    if by and classes:
        shown = [name for name in (*classes, OTHER) if name in set(frame["class"])]
        legend = alt.Legend(orient="top", values=shown, labelLimit=200, columns=4)
        colour = alt.Color("class:N", title=None, scale=colours(classes), legend=legend)
        tooltip += [alt.Tooltip("class:N", title="Class"), alt.Tooltip("shown:N", title="Share")]
    base = alt.Chart(frame).mark_bar().encode(color=colour, tooltip=tooltip)
    if by and classes:
        # A click on a class in the legend lets the others fade.
        picked = alt.selection_point(fields=["class"], bind="legend")
        base = base.encode(opacity=alt.condition(picked, alt.value(1), alt.value(0.15))).add_params(picked)
    return _finish(_between(base, column, (f"{what}_from:Q", f"{what}_to"), axis, alt.Scale()), found)


def _means(column: ColumnProfile, target: str) -> alt.LayerChart | None:
    found, by = column["distribution"], column["by_target"]
    assert found is not None  # noqa: S101  # the caller has checked
    assert by is not None  # noqa: S101
    rows = [
        {
            **bar,
            "mean": mean,
            "from": mean - _INTERVAL * (error or 0),
            "to": mean + _INTERVAL * (error or 0),
            "rows": count,
        }
        for bar, count, mean, error in zip(places(found), by["rows"], by["means"], by["errors"], strict=True)
        if mean is not None
    ]
    if not rows:
        return None
    base = alt.Chart(pd.DataFrame(rows)).encode(
        color=alt.value(COLOURS[0]),
        tooltip=[
            alt.Tooltip("label:N", title="Value"),
            alt.Tooltip("mean:Q", title="Mean", format=",.4~g"),
            alt.Tooltip("from:Q", title="From (95 %)", format=",.4~g"),
            alt.Tooltip("to:Q", title="To (95 %)", format=",.4~g"),
            alt.Tooltip("rows:Q", title="Rows", format=","),
        ],
    )
    axis, scale = alt.Axis(title=f"Mean of {target}"), alt.Scale(zero=False)
    mark = base.mark_tick(thickness=4) if found["form"] == "counts" else base.mark_rule(strokeWidth=4)
    layers = [
        _between(base.mark_bar(opacity=0.3), column, ("from:Q", "to"), axis, scale),
        _between(mark, column, ("mean:Q", None), axis, scale),
    ]
    return _finish(alt.LayerChart(layer=layers), found)


def _between(
    chart: alt.Chart, column: ColumnProfile, ends: tuple[str, str | None], axis: alt.Axis, scale: alt.Scale
) -> alt.Chart:
    """Let marks lie for categories, and stand for everything that has an order, from one field to another."""
    begin, end = ends
    found = column["distribution"]
    assert found is not None  # noqa: S101  # the caller has checked
    if found["form"] == "counts":
        names = alt.Axis(ticks=False, domain=False, labelLimit=200, labelOverlap=False)
        lying = chart.encode(
            y=alt.Y("label:N", sort=None, title=None, axis=names), x=alt.X(begin, axis=axis, scale=scale)
        )
        return lying.encode(x2=end) if end else lying
    if found["form"] == "periods":
        place = alt.X("low:T", title=column["name"], scale=alt.Scale(type="utc"))
    else:
        place = alt.X("low:Q", title=column["name"], scale=alt.Scale(zero=False, nice=False))
    standing = chart.encode(x=place, x2="high", y=alt.Y(begin, axis=axis, scale=scale))
    return standing.encode(y2=end) if end else standing


def _finish(chart: Drawn, found: Distribution) -> Drawn:
    lying = found["form"] == "counts"
    return plain(chart.properties(height=ROW * len(found["counts"]) + AROUND if lying else HEIGHT))


def _pieces(found: Distribution, counts: Sequence[Sequence[int]], classes: Sequence[str]) -> pd.DataFrame:
    """Return each class's piece of each bar: where it begins and ends, in rows and as a share."""
    rows: list[Mapping[str, Any]] = []
    for place, (bar, total) in enumerate(zip(places(found), found["counts"], strict=True)):
        here = [(name, each[place]) for name, each in zip(classes, counts, strict=False)]
        known = sum(count for _, count in here)
        begin, share = 0, 0.0
        for name, count in (*here, (OTHER, total - known)):
            part = count / known if known and name != OTHER else 0.0
            if count > 0:
                rows.append(
                    {
                        **bar,
                        "class": name,
                        "rows": count,
                        "rows_from": begin,
                        "rows_to": begin + count,
                        "share_from": share,
                        "share_to": share + part,
                        "shown": percent(part, 1) if part else "–",
                    }
                )
            begin, share = begin + count, share + part
    return pd.DataFrame(rows, columns=_PIECE)


def plain(chart: Drawn) -> Drawn:
    """Return a chart without a frame."""
    framed: Drawn = chart.configure_view(strokeWidth=0)
    return framed

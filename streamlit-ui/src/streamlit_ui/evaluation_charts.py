"""The charts of a comparison: the curves of several versions in one chart, and their confusion matrices."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import altair as alt
import pandas as pd

from streamlit_ui.charts import ACCENT, COLOURS, MUTED
from streamlit_ui.contract.types import EvaluatedVersion
from streamlit_ui.text import percent, shorten

CurveName = Literal["roc", "precision_recall", "calibration"]
_LONGEST = 18
_LEGIBLE = 20
_DARK = 0.6
_SIDE = 360


@dataclass(frozen=True)
class Axes:
    """What a curve shows, and whether guessing is its diagonal."""

    title: str
    x: str
    y: str
    diagonal: bool


CURVES: dict[CurveName, Axes] = {
    "roc": Axes("ROC curve", "False positive rate", "True positive rate", diagonal=True),
    "precision_recall": Axes("Precision-recall curve", "Recall", "Precision", diagonal=False),
    "calibration": Axes("Calibration", "Predicted probability", "Observed frequency", diagonal=True),
}


def curve(versions: Sequence[EvaluatedVersion], label: str, name: CurveName) -> alt.LayerChart:
    """Return the curves of all versions for a class, in one chart."""
    axes = CURVES[name]
    points = [
        {"version": f"Version {one['version']}", "place": place, "x": x, "y": y}
        for one in versions
        for drawn in one["curves"]
        if drawn["label"] == label
        for place, (x, y) in enumerate(drawn[name])
    ]
    names = [f"Version {one['version']}" for one in versions]
    scale = alt.Scale(domain=[0, 1], nice=False)
    base = alt.Chart(pd.DataFrame(points, columns=["version", "place", "x", "y"])).encode(
        x=alt.X("x:Q", title=axes.x, scale=scale, axis=alt.Axis(format="%", grid=False)),
        y=alt.Y("y:Q", title=axes.y, scale=scale, axis=alt.Axis(format="%")),
        color=alt.Color(
            "version:N",
            title=None,
            scale=alt.Scale(domain=names, range=list(COLOURS[: len(names)])),
            legend=alt.Legend(orient="bottom", columns=3) if len(names) > 1 else None,
        ),
        order="place:Q",
        tooltip=[
            alt.Tooltip("version:N", title="Version"),
            alt.Tooltip("x:Q", title=axes.x, format=".1%"),
            alt.Tooltip("y:Q", title=axes.y, format=".1%"),
        ],
    )
    layers = [base.mark_line(strokeWidth=2, point=name == "calibration")]
    if axes.diagonal:
        ends = pd.DataFrame({"x": [0, 1], "y": [0, 1]})
        layers.insert(0, alt.Chart(ends).mark_line(color=MUTED, strokeDash=[4, 4]).encode(x="x:Q", y="y:Q"))
    chart: alt.LayerChart = (
        alt.LayerChart(layer=layers).properties(height=_SIDE, title=axes.title).configure_view(strokeWidth=0)
    )
    return chart


def confusion(table: Sequence[Sequence[int]], classes: Sequence[str]) -> alt.LayerChart:
    """Return a confusion matrix, each row shaded by its own shares."""
    names = [shorten(name, _LONGEST) for name in classes]
    cells = [
        {
            "true": names[row],
            "answered": names[column],
            "rows": rows,
            "share": rows / (sum(line) or 1),
            "shown": f"{rows} ({percent(rows / (sum(line) or 1))})",
        }
        for row, line in enumerate(table)
        for column, rows in enumerate(line)
    ]
    base = alt.Chart(pd.DataFrame(cells)).encode(
        x=alt.X("answered:N", sort=None, title="Predicted", axis=alt.Axis(labelAngle=0, labelLimit=90)),
        y=alt.Y("true:N", sort=None, title="True", axis=alt.Axis(labelLimit=110)),
        tooltip=[
            alt.Tooltip("true:N", title="True"),
            alt.Tooltip("answered:N", title="Predicted"),
            alt.Tooltip("shown:N", title="Rows"),
        ],
    )
    shade = alt.Color("share:Q", legend=None, scale=alt.Scale(domain=[0, 1], range=["#e8f3f5", ACCENT]))
    ink = alt.condition(alt.datum.share > _DARK, alt.value("#ffffff"), alt.value("#1f2a30"))
    layers = [base.mark_rect(stroke="#ffffff").encode(color=shade)]
    if len(classes) <= _LEGIBLE:
        layers.append(base.mark_text(fontSize=12).encode(text="rows:Q", color=ink))
    chart: alt.LayerChart = alt.LayerChart(layer=layers).properties(height=max(140, 36 * len(classes) + 40))
    return chart

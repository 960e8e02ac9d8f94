"""The charts of which columns go together: with the target, and with each other."""

from collections.abc import Sequence

import altair as alt
import pandas as pd

from streamlit_ui.contract.types import Associations, ColumnProfile
from streamlit_ui.exploration.column_charts import AROUND, COLOURS, ROW, plain

MEASURES = {
    "pearson": "Pearson's correlation",
    "spearman": "Spearman's correlation",
    "cramers-v": "Cramér's V",
    "correlation-ratio": "Correlation ratio",
}
STRONGEST = 20
_LABELLED = 16
"""With more columns the figures in the map would touch."""
_DARK = 0.55
"""From here on, white figures read better."""


def strengths(columns: Sequence[ColumnProfile]) -> alt.LayerChart | None:
    """Return how strongly columns go together with the target, the strongest first; none if none does."""
    known = [(column["name"], column["strength"]) for column in columns if column["strength"]]
    ranked = sorted(known, key=lambda pair: -abs(pair[1]["value"]))[:STRONGEST]
    if not ranked:
        return None
    frame = pd.DataFrame(
        {
            "column": [name for name, _ in ranked],
            "size": [abs(found["value"]) for _, found in ranked],
            "shown": [_figure(found["value"]) for _, found in ranked],
            "measure": [MEASURES.get(found["measure"], found["measure"]) for _, found in ranked],
        }
    )
    names = alt.Axis(ticks=False, domain=False, labelLimit=220)
    base = alt.Chart(frame).encode(
        y=alt.Y("column:N", sort=None, title=None, axis=names),
        x=alt.X("size:Q", scale=alt.Scale(domain=[0, 1.1]), axis=None),
        tooltip=[
            alt.Tooltip("column:N", title="Column"),
            alt.Tooltip("measure:N", title="Measure"),
            alt.Tooltip("shown:N", title="Value"),
        ],
    )
    marks = base.mark_bar(cornerRadiusEnd=3, height=16, color=COLOURS[0])
    figures = base.mark_text(align="left", dx=6, fontSize=13, color="#6b7f87").encode(text="shown:N")
    return plain(alt.LayerChart(layer=[marks, figures]).properties(height=ROW * len(frame) + 6))


def association_map(found: Associations, numbers: str = "spearman") -> alt.LayerChart | None:
    """Return every pair of columns as a field of a map; `numbers` is the measure for two numeric ones."""
    other = {"pearson", "spearman"} - {numbers}
    pairs = [pair for pair in found["pairs"] if pair["measure"] not in other]
    if not pairs:
        return None
    frame = pd.DataFrame(
        [
            {
                "first": first,
                "second": second,
                "value": pair["value"],
                "shown": _figure(pair["value"]),
                "measure": MEASURES.get(pair["measure"], pair["measure"]),
                "dark": abs(pair["value"]) > _DARK,
            }
            for pair in pairs
            for first, second in ((pair["first"], pair["second"]), (pair["second"], pair["first"]))
        ]
    )
    axis = alt.Axis(ticks=False, domain=False, labelLimit=140, labelOverlap=False)
    base = alt.Chart(frame).encode(
        x=alt.X("first:N", sort=found["columns"], title=None, axis=axis),
        y=alt.Y("second:N", sort=found["columns"], title=None, axis=axis),
        tooltip=[
            alt.Tooltip("first:N", title="Column"),
            alt.Tooltip("second:N", title="With"),
            alt.Tooltip("measure:N", title="Measure"),
            alt.Tooltip("shown:N", title="Value"),
        ],
    )
    colour = alt.Color(
        "value:Q",
        title=None,
        scale=alt.Scale(domain=[-1, 0, 1], range=["#d1495b", "#eef3f4", "#0b7285"], interpolate="rgb"),
        legend=alt.Legend(orient="top", gradientLength=240),
    )
    layers = [base.mark_rect().encode(color=colour)]
    if len(found["columns"]) <= _LABELLED:
        ink = alt.condition(alt.datum.dark, alt.value("#ffffff"), alt.value("#1f2a30"))
        layers.append(base.mark_text(fontSize=10).encode(text="shown:N", color=ink))
    height = ROW * len(found["columns"]) + 2 * AROUND
    return plain(alt.LayerChart(layer=layers).properties(height=height))


def has_two_measures(found: Associations) -> bool:
    """Tell whether there are two numbers, for which Pearson and Spearman may differ."""
    return any(pair["measure"] == "pearson" for pair in found["pairs"])


def _figure(value: float) -> str:
    return f"{value:.2f}".replace("-", "\N{MINUS SIGN}")

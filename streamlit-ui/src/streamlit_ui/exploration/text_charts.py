"""The charts of texts, by class: lengths, parts of speech, the most frequent words, word clouds."""

from collections.abc import Sequence

import altair as alt
import pandas as pd

from streamlit_ui.contract.types import CloudWord, Phrase, TextGroup, TextProfile
from streamlit_ui.exploration.column_charts import AROUND, COLOURS, HEIGHT, NO_CLASS, ROW, plain
from streamlit_ui.text import number, percent

EVERY = "All texts"
CLOUD = (640, 320)
"""The ground that the words of a cloud were placed on."""


def lengths(text: TextProfile, groups: Sequence[TextGroup], classes: Sequence[str]) -> alt.LayerChart | None:
    """Return how long the texts of each group are: the share of its texts in each bin of words."""
    edges = text["length_edges"]
    rows = [
        {
            "group": name_of(group),
            "low": edges[place],
            "high": edges[place + 1],
            "label": _words(edges[place], edges[place + 1]),
            "share": count / group["texts"],
            "shown": percent(count / group["texts"], 1),
            "texts": count,
        }
        for group in groups
        for place, count in enumerate(group["lengths"])
        if group["texts"]
    ]
    if not rows:
        return None
    base = alt.Chart(pd.DataFrame(rows)).encode(
        x=alt.X("low:Q", title="Words in a text", scale=alt.Scale(nice=False)),
        y=alt.Y("share:Q", title="Share of the texts", axis=alt.Axis(format="%"), stack=None),
        color=_colour(groups, classes),
    )
    lines = base.mark_line(interpolate="step-after", strokeWidth=2.5)
    areas = base.mark_bar(opacity=0.12).encode(
        x2="high",
        tooltip=[
            alt.Tooltip("group:N", title="Texts"),
            alt.Tooltip("label:N", title="Words"),
            alt.Tooltip("shown:N", title="Share"),
            alt.Tooltip("texts:Q", title="Count", format=","),
        ],
    )
    return plain(alt.LayerChart(layer=[areas, lines]).properties(height=HEIGHT))


def parts_of_speech(groups: Sequence[TextGroup], classes: Sequence[str]) -> alt.Chart | None:
    """Return the share of each part of speech among the words of each group; none if nobody named them."""
    rows = [
        {"group": name_of(group), "part": part, "share": share, "shown": percent(share, 1)}
        for group in groups
        for part, share in group["parts_of_speech"].items()
    ]
    if not rows:
        return None
    frame = pd.DataFrame(rows)
    order = frame.groupby("part")["share"].max().sort_values(ascending=False).index.tolist()
    chart = (
        alt.Chart(frame)
        .mark_bar()
        .encode(
            y=alt.Y("part:N", sort=order, title=None, axis=alt.Axis(ticks=False, domain=False)),
            yOffset=alt.YOffset("group:N", sort=[name_of(group) for group in groups]),
            x=alt.X("share:Q", title="Share of the words", axis=alt.Axis(format="%")),
            color=_colour(groups, classes),
            tooltip=[
                alt.Tooltip("part:N", title="Part of speech"),
                alt.Tooltip("group:N", title="Texts"),
                alt.Tooltip("shown:N", title="Share"),
            ],
        )
    )
    sized: alt.Chart = chart.properties(height=len(order) * (12 * len(groups) + 12) + AROUND)
    return plain(sized)


def phrases(found: Sequence[Phrase], texts: int, colour: str) -> alt.Chart:
    """Return words or sequences of words as bars: how often they are in a hundred of the group's texts."""
    frame = pd.DataFrame(
        {
            "words": [phrase["words"] for phrase in found],
            "often": [100 * phrase["count"] / texts for phrase in found],
            "count": [phrase["count"] for phrase in found],
            "share": [percent(phrase["share"], 1) for phrase in found],
            "elsewhere": [percent(phrase["elsewhere"], 1) for phrase in found],
        }
    )
    names = alt.Axis(ticks=False, domain=False, labelLimit=180, labelOverlap=False)
    chart = (
        alt.Chart(frame)
        .mark_bar(color=colour, cornerRadiusEnd=3)
        .encode(
            y=alt.Y("words:N", sort=None, title=None, axis=names),
            x=alt.X("often:Q", title="Occurrences per 100 texts", axis=alt.Axis(tickCount=4)),
            tooltip=[
                alt.Tooltip("words:N", title="Words"),
                alt.Tooltip("count:Q", title="Count", format=","),
                alt.Tooltip("share:N", title="Share of these texts"),
                alt.Tooltip("elsewhere:N", title="Share of the other texts"),
            ],
        )
    )
    sized: alt.Chart = chart.properties(height=ROW * len(frame) + 60)
    return plain(sized)


def cloud(words: Sequence[CloudWord], colour: str) -> alt.Chart:
    """Return a word cloud; the size of a word is that of its count."""
    width, height = CLOUD
    frame = pd.DataFrame(
        {
            "word": [word["word"] for word in words],
            "count": [word["count"] for word in words],
            "x": [word["x"] for word in words],
            "y": [height - word["y"] for word in words],
            "size": [word["size"] for word in words],
        }
    )
    chart = (
        alt.Chart(frame)
        .mark_text(align="left", baseline="alphabetic", font="monospace", color=colour)
        .encode(
            x=alt.X("x:Q", axis=None, scale=alt.Scale(domain=[0, width])),
            y=alt.Y("y:Q", axis=None, scale=alt.Scale(domain=[0, height])),
            text="word:N",
            size=alt.Size("size:Q", scale=None, legend=None),
            opacity=alt.Opacity("size:Q", scale=alt.Scale(range=[0.65, 1]), legend=None),
            tooltip=[alt.Tooltip("word:N", title="Word"), alt.Tooltip("count:Q", title="Count", format=",")],
        )
    )
    # The words were placed to the pixel: nothing may be scaled or set apart.
    sized: alt.Chart = chart.properties(
        width=width, height=height, padding=0, autosize="none", background="transparent"
    )
    return plain(sized)


def name_of(group: TextGroup) -> str:
    """Return what a group of texts is called."""
    return EVERY if group["label"] is None else group["label"]


def colour_of(group: TextGroup, classes: Sequence[str]) -> str:
    """Return the colour of a group: that of its class."""
    return NO_CLASS if group["label"] is None else COLOURS[classes.index(group["label"]) % len(COLOURS)]


def _colour(groups: Sequence[TextGroup], classes: Sequence[str]) -> alt.Color:
    scale = alt.Scale(
        domain=[name_of(group) for group in groups], range=[colour_of(group, classes) for group in groups]
    )
    legend = alt.Legend(orient="top", labelLimit=200, symbolOpacity=1)
    return alt.Color("group:N", title=None, scale=scale, legend=legend)


def _words(low: float, high: float) -> str:
    first, last = round(low + 0.5), round(high - 0.5)
    return number(first) if first == last else f"{number(first)} to {number(last)}"

"""Charts of a model's traffic, hour by hour."""

from collections.abc import Sequence

import altair as alt
import pandas as pd

from streamlit_ui.charts import ACCENT, WARNING, time_of
from streamlit_ui.contract.types import TrafficHour
from streamlit_ui.times import duration, timestamp, when

_HALF, _MOST = "half", "95 %"


def counts(hours: Sequence[TrafficHour]) -> alt.Chart:
    """Return the predictions of each hour as bars."""
    frame = pd.DataFrame(
        {
            "at": [timestamp(hour["at"]) for hour in hours],
            "predictions": [hour["predictions"] for hour in hours],
            "hour": [when(hour["at"]) for hour in hours],
        }
    )
    chart: alt.Chart = (
        alt.Chart(frame)
        .mark_bar(color=ACCENT, cornerRadiusEnd=2)
        .encode(
            x=time_of("at"),
            y=alt.Y("predictions:Q", title="Predictions an hour", axis=alt.Axis(tickMinStep=1)),
            tooltip=[alt.Tooltip("hour:N", title="From"), alt.Tooltip("predictions:Q", title="Predictions")],
        )
        .properties(height=180)
        .configure_view(strokeWidth=0)
    )
    return chart


def latencies(hours: Sequence[TrafficHour]) -> alt.Chart:
    """Return two points for each hour with predictions: within how long half, and 95 %, were answered."""
    rows = [
        {
            "at": timestamp(hour["at"]),
            "share": share,
            "ms": value,
            "shown": duration(value / 1000),
            "hour": when(hour["at"]),
        }
        for hour in hours
        if hour["latency_ms"] is not None
        for share, value in ((_HALF, hour["latency_ms"]["p50"]), (_MOST, hour["latency_ms"]["p95"]))
    ]
    chart: alt.Chart = (
        alt.Chart(pd.DataFrame(rows))
        .mark_line(point=True)
        .encode(
            x=time_of("at"),
            y=alt.Y("ms:Q", title="Milliseconds", scale=alt.Scale(zero=True)),
            color=alt.Color(
                "share:N",
                title="Answered within",
                scale=alt.Scale(domain=[_HALF, _MOST], range=[ACCENT, WARNING]),
                legend=alt.Legend(orient="top"),
            ),
            tooltip=[
                alt.Tooltip("hour:N", title="From"),
                alt.Tooltip("share:N", title="Share"),
                alt.Tooltip("shown:N", title="Within"),
            ],
        )
        .properties(height=200)
        .configure_view(strokeWidth=0)
    )
    return chart

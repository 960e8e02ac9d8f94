"""How much a model is asked, how fast it answers, and what it could not answer."""

import streamlit as st

from streamlit_ui import signed_in, traffic_charts
from streamlit_ui.parts.blank import blank
from streamlit_ui.text import number, plain, plural, title
from streamlit_ui.times import duration, when

SPANS = {"24 hours": 24, "3 days": 72, "7 days": 168}


def show_traffic(model: str) -> None:
    """Show predictions and latency by hour, and refusals."""
    span = st.segmented_control("Over", list(SPANS), default="24 hours", required=True)
    found = signed_in.gateway().traffic(model, SPANS[span])
    latency = found["latency_ms"]
    if latency is None:
        blank(
            ":material/query_stats:",
            "Nobody asked",
            f"There was no prediction in the last {span}. Answers and their latency appear here.",
        )
    else:
        with st.grid(4, min_column_width=120):
            st.metric("Predictions", number(found["predictions"]))
            for share, value in (("50 %", "p50"), ("95 %", "p95"), ("99 %", "p99")):
                st.metric(f"{share} within", duration(latency[value] / 1000))  # type: ignore[literal-required]
        st.altair_chart(traffic_charts.counts(found["hours"]), key="counts", alt="Predictions in each hour")
        st.altair_chart(
            traffic_charts.latencies(found["hours"]),
            key="latencies",
            alt="The latency within which half, and 95 %, of each hour's predictions were answered",
        )
        st.caption(
            "Latency is from the arrival of a request until its predictions were on disk. Times are UTC."
        )
    refused = ", ".join(
        f"{title(reason).lower()} {number(count)}" for reason, count in sorted(found["refused"].items())
    )
    total = plural(sum(found["refused"].values()), "request")
    said = f"{total} refused: {refused}" if refused else "No request was refused"
    st.caption(
        plain(f"{said}, since the replica that answered this started ({when(found['refused_since'])}).")
    )

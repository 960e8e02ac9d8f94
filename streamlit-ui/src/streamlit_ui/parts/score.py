"""How right a model is now, and over time."""

import streamlit as st

from streamlit_ui import charts, signed_in, words
from streamlit_ui.contract.types import ModelDetail, ModelScore
from streamlit_ui.parts.blank import blank
from streamlit_ui.parts.facts import show_facts
from streamlit_ui.parts.problems import problems_in_words
from streamlit_ui.settings import settings
from streamlit_ui.text import number, percent, plain, plural

POINTS = 500


@st.fragment(run_every=settings().refresh_s)
def show_score(model: ModelDetail) -> None:
    """Show the score, its state in words and its history, refreshed periodically."""
    with problems_in_words():
        score = signed_in.gateway().score(model["name"])
        _now(score)
        _history(model, score)


def _now(score: ModelScore) -> None:
    state = words.state(score.get("state"))
    window = f"Among the latest {number(score['window'])} that count."
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.badge(state.label, color=state.colour, icon=state.icon)
            st.markdown(plain(score.get("reason") or state.meaning), width="stretch")
        with st.grid(4, min_column_width=120):
            st.metric("Score", percent(score.get("value"), 1))
            st.metric("Threshold", percent(score.get("threshold")))
            st.metric("Feedback", number(score["n"]), help=window)
            st.metric("Version", str(score.get("version") or "–"))
    show_facts(_more(score))


def _more(score: ModelScore) -> dict[str, str]:
    """Return the details of the score: its interval, the kinds of feedback, the estimate without any."""
    more = {}
    if score.get("low") is not None:
        more["95 % interval"] = f"{percent(score.get('low'), 1)} to {percent(score.get('high'), 1)}"
    for name, share in (("Asked for", score.get("asked")), ("Volunteered", score.get("volunteered"))):
        if share and share.get("n"):
            more[name] = f"{percent(share.get('value'), 1)} of {plural(share['n'], 'prediction')}"
    if (estimate := score.get("estimate")) and estimate.get("value") is not None:
        said = percent(estimate.get("value"), 1)
        more["Estimated without feedback"] = (
            f"{said}; it reflects changed inputs, not a changed relation to the target"
        )
    return more


def _history(model: ModelDetail, score: ModelScore) -> None:
    points = signed_in.gateway().score_history(model["name"], POINTS)
    if not any(point.get("value") is not None for point in points):
        blank(
            ":material/monitoring:",
            "Nothing to draw yet",
            "The curve starts once a few predictions have feedback.",
        )
        return
    ledger = signed_in.gateway().promotions(model["name"]) if signed_in.may("maintainer") else None
    happened = charts.marks(points, ledger)
    st.altair_chart(
        charts.score_over_time(points, score.get("threshold"), happened),
        key="score over time",
        alt="The score over time with its interval and the threshold",
    )
    threshold = percent(score.get("threshold"))
    st.caption(
        f"The band is the 95 % interval, the dashed line the threshold of {plain(threshold)}. "
        "Hold Shift to zoom and pan; double-click to reset."
    )

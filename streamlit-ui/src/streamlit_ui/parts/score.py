"""How right a model is now, and over time."""

import streamlit as st

from streamlit_ui import charts, signed_in, words
from streamlit_ui.contract.types import EstimatedShare, ModelDetail, ModelScore, ShareOfRight
from streamlit_ui.parts.blank import blank
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
            st.metric("Score", percent(score.get("value"), 1), help=_interval(score))
            st.metric("Threshold", percent(score.get("threshold")))
            st.metric("Feedback", number(score["n"]), help=window)
            st.metric("Version", str(score.get("version") or "–"))
    _side_by_side(score)


def _interval(score: ModelScore) -> str | None:
    if score.get("low") is None:
        return None
    return f"95 % interval: {percent(score.get('low'), 1)} to {percent(score.get('high'), 1)}."


def _side_by_side(score: ModelScore) -> None:
    """Show the score of asked and of volunteered feedback and the estimate, and say which to believe."""
    shares: dict[str, tuple[str, ShareOfRight | EstimatedShare | None]] = {
        "asked": ("Asked for", score.get("asked")),
        "volunteered": ("Volunteered", score.get("volunteered")),
        "estimate": ("Estimated without feedback", score.get("estimate")),
    }
    believed = score.get("believe")
    with st.container(border=True), st.grid(3, min_column_width=200):
        for name, (title, share) in shares.items():
            with st.container(gap="xxsmall"):
                if share is None or share.get("value") is None:
                    st.metric(title, "–")
                    st.caption(plain(_why_none(name, score)))
                    continue
                st.metric(title, percent(share.get("value"), 1))
                st.caption(
                    plain(
                        f"95 % interval {percent(share.get('low'), 1)} to {percent(share.get('high'), 1)}, "
                        f"over {plural(share['n'], 'prediction')}."
                    )
                )
                if name == believed:
                    st.badge("Believe this one", color="blue", icon=":material/verified:")
    if why := score.get("believe_reason"):
        st.markdown(plain(why))


def _why_none(name: str, score: ModelScore) -> str:
    if name == "estimate":
        return score.get("estimate_reason") or "There is no estimate."
    return "No prediction was asked about." if name == "asked" else "Nobody gave any yet."


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

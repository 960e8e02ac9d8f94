"""All models at a glance: the state, the score and the traffic of each in a line."""

import streamlit as st

from streamlit_ui import signed_in, words
from streamlit_ui.contract.types import DriftReportShort, ModelShort, Traffic
from streamlit_ui.parts import models
from streamlit_ui.parts.face_models import takes_pictures
from streamlit_ui.parts.problems import problems_in_words
from streamlit_ui.text import number, percent, plain, plural
from streamlit_ui.times import duration

HOURS = 24
EVERY_S = 15
"""Seconds between two refreshes: each asks for the traffic of every model."""


@st.fragment(run_every=EVERY_S)
def show_glance() -> None:
    """Show a line for each model."""
    with problems_in_words():
        gateway = signed_in.gateway()
        for model in gateway.models():
            with st.container(border=True, gap="xsmall"):
                name = model["name"]
                # Pictures have no drift, and no reports to ask for.
                reports = [] if takes_pictures(model) else gateway.drift_reports(name, 1)
                _show(model, gateway.traffic(name, HOURS), reports)


def _show(model: ModelShort, traffic: Traffic, reports: list[DriftReportShort]) -> None:
    state, score = words.state(model["state"]), model["score"]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.badge(state.label, color=state.colour, icon=state.icon)
        st.markdown(f"**{plain(model['name'])}**", width="stretch")
        st.page_link(
            "views/monitoring.py",
            label="Show",
            icon=":material/chevron_right:",
            query_params={models.PARAMETER: model["name"]},
            width="content",
        )
    latency, refused = traffic["latency_ms"], sum(traffic["refused"].values())
    facts = [
        f"serves version {model['version']}" if model["version"] else "serves nothing yet",
        _scored(model) if score and score["value"] is not None else "no score yet",
        f"{plural(traffic['predictions'], 'prediction')} in {HOURS} hours",
        *([f"95 % within {duration(latency['p95'] / 1000)}"] if latency else []),
        *([f"{number(refused)} refused"] if refused else []),
        *map(_drifted, reports),
    ]
    st.caption(plain(" · ".join(facts)))


def _drifted(report: DriftReportShort) -> str:
    if report["verdict"] == "drift":
        return f"drift in {plural(len(report['drifted']), 'feature')}"
    return "no drift" if report["verdict"] == "no_drift" else "no verdict on drift"


def _scored(model: ModelShort) -> str:
    score = model["score"]
    if score is None:
        return "no score yet"
    interval = f" ({percent(score['low'])} to {percent(score['high'])})" if score["low"] is not None else ""
    return f"score {percent(score['value'], 1)}{interval}, threshold {percent(score['threshold'])}"

"""Monitoring: all models at a glance, then one: score, drift, traffic, runs and promotions, logs."""

import streamlit as st

from streamlit_ui import signed_in
from streamlit_ui.parts import models
from streamlit_ui.parts.drift import show_drift
from streamlit_ui.parts.glance import show_glance
from streamlit_ui.parts.happenings import show_happenings
from streamlit_ui.parts.problems import problems_in_words
from streamlit_ui.parts.score import show_score
from streamlit_ui.parts.service_logs import show_service_logs
from streamlit_ui.parts.traffic import show_traffic
from streamlit_ui.text import plain


def page() -> None:
    """Show every model in a line, and the section about the chosen one that is open."""
    st.title("Monitoring")
    st.caption("Whether the models are right, how fast they answer, and what the platform does about it.")
    name = models.chosen_name()
    show_glance()
    model = signed_in.gateway().model(name)
    st.subheader(plain(name), anchor="model")
    sections = {
        "Score": lambda: show_score(model),
        "Drift": lambda: show_drift(model),
        "Traffic": lambda: show_traffic(name),
        "Runs and promotions": lambda: show_happenings(model),
        "Logs": show_service_logs,
    }
    opened = st.tabs(list(sections), key="monitored", bind="query-params", on_change="rerun")
    for tab, show in zip(opened, sections.values(), strict=True):
        if tab.open:
            with tab, problems_in_words():
                show()


page()

"""Runs: what was trained and what is being trained, live."""

import streamlit as st

from streamlit_ui import signed_in
from streamlit_ui.parts import models
from streamlit_ui.parts.blank import blank
from streamlit_ui.parts.problems import problems_in_words
from streamlit_ui.parts.run_card import is_open, show_run
from streamlit_ui.parts.starting import start_a_run
from streamlit_ui.settings import settings
from streamlit_ui.text import plural

PAGE = 20


def page() -> None:
    """Offer to start a run and list those there are."""
    model = models.chosen()
    st.title("Runs")
    st.caption(
        "A run trains candidates, and its best one must prove itself at the gate before it is promoted."
    )
    if st.button("Start a run", type="primary", icon=":material/play_arrow:"):
        start_a_run(model)
    _list(model["name"])


@st.fragment(run_every=settings().refresh_s)
def _list(model: str) -> None:
    with problems_in_words():
        runs = signed_in.gateway().runs(model)
        if not runs:
            blank(
                ":material/model_training:", "No run yet", "Start one, or wait until the score asks for one."
            )
        limit = st.session_state.get("runs_shown", PAGE)
        for run in runs[:limit]:
            with st.container(border=True, gap="xsmall"):
                show_run(run)
                st.page_link(
                    "views/run.py",
                    label="Follow it" if is_open(run) else "Details",
                    icon=":material/chevron_right:",
                    query_params={"id": run["id"]},
                )
        if len(runs) > limit:
            st.caption(f"{plural(len(runs) - limit, 'older run')} not shown.")
            if st.button("Show older", icon=":material/expand_more:"):
                st.session_state["runs_shown"] = limit + PAGE
                st.rerun()


page()

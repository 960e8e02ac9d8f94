"""Runs: all background work and its outcome, live."""

import streamlit as st

from streamlit_ui import signed_in, words
from streamlit_ui.parts import models
from streamlit_ui.parts.blank import blank
from streamlit_ui.parts.problems import problems_in_words
from streamlit_ui.parts.run_card import is_open, show_run
from streamlit_ui.parts.starting import start_a_run
from streamlit_ui.settings import settings
from streamlit_ui.text import plural

PAGE = 20
KINDS = ("training", "live", "dataset", "evaluation", "profile")
STATUSES = ("queued", "running", "succeeded", "failed", "cancelled")


def page() -> None:
    """Offer to start a run, and list those of all models and datasets."""
    st.title("Runs")
    st.caption("All background work: training, live training, storing, evaluating, profiling.")
    if st.button("Start a run", type="primary", icon=":material/play_arrow:"):
        start_a_run(models.chosen())
    with st.container(horizontal=True):
        kind = st.pills("Kind", KINDS, format_func=lambda name: words.kind(name).label)
        status = st.pills("Status", STATUSES, format_func=lambda name: words.status(name).label)
    _list(kind, status)


@st.fragment(run_every=settings().refresh_s)
def _list(kind: str | None, status: str | None) -> None:
    with problems_in_words():
        runs = signed_in.gateway().runs(kind=kind, status=status)
        if not runs and (kind or status):
            blank(":material/filter_alt_off:", "No such run", "Choose another kind or status above.")
        elif not runs:
            blank(
                ":material/model_training:", "No run yet", "Start one, or wait until the score calls for one."
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

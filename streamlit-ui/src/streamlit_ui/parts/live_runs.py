"""The live runs of a model, to open again; and the way to each of them."""

import streamlit as st

from streamlit_ui import signed_in
from streamlit_ui.parts import models
from streamlit_ui.parts.problems import problems_in_words
from streamlit_ui.parts.run_card import is_open, show_run
from streamlit_ui.settings import settings
from streamlit_ui.text import plural

RUN = "run"
"""What names the live run in an address."""
_MOST = 10


@st.fragment(run_every=settings().refresh_s)
def list_live_runs(model: str) -> None:
    """List the newest live runs of a model."""
    st.subheader("Live runs")
    with problems_in_words():
        found = signed_in.gateway().runs(model, kind="live")
        if not found:
            st.caption("None yet. Those you start stay here, with their curves.")
        for run in found[:_MOST]:
            with st.container(border=True, gap="xsmall"):
                show_run(run)
                link(model, run["id"], "Watch it" if is_open(run) else "Open")
        if len(found) > _MOST:
            st.caption(f"{plural(len(found) - _MOST, 'older one')} on the page Runs.")


def link(model: str, run: str, label: str) -> None:
    """Link to a live run."""
    st.page_link(
        "views/live.py",
        label=label,
        icon=":material/chevron_right:",
        query_params={models.PARAMETER: model, RUN: run},
    )


def go_to(model: str, run: str) -> None:
    """Go to a live run."""
    models.choose_it(model)
    st.switch_page("views/live.py", query_params={models.PARAMETER: model, RUN: run})

"""What the platform did about a model lately: its newest runs, and the ledger."""

import streamlit as st

from streamlit_ui import signed_in
from streamlit_ui.contract.types import ModelDetail
from streamlit_ui.parts.blank import blank
from streamlit_ui.parts.ledger import show_ledger
from streamlit_ui.parts.run_card import is_open, show_run

RUNS = 5


def show_happenings(model: ModelDetail) -> None:
    """Show the newest runs and, to those who may read it, the ledger."""
    runs = signed_in.gateway().runs(model["name"])
    if not runs:
        blank(
            ":material/model_training:", "No run yet", "A run starts when the score or a person calls for it."
        )
    for run in runs[:RUNS]:
        with st.container(border=True, gap="xsmall"):
            show_run(run)
            st.page_link(
                "views/run.py",
                label="Follow it" if is_open(run) else "Details",
                icon=":material/chevron_right:",
                query_params={"id": run["id"]},
            )
    if signed_in.may("maintainer"):
        st.markdown("**Ledger**")
        show_ledger(model)

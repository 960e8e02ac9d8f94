"""Starting and cancelling a run."""

import streamlit as st

from streamlit_ui import signed_in
from streamlit_ui.client import GatewayError
from streamlit_ui.contract.types import ModelDetail, RunShort
from streamlit_ui.parts.problems import problems_in_words
from streamlit_ui.text import plain

CONFLICT = 409
_LONGEST_S = 86_400
_DEFAULT_S = 30


@st.dialog("Start a run")
def start_a_run(model: ModelDetail) -> None:
    """Ask for budget and reason, and queue the run."""
    with problems_in_words():
        default = int((model.get("policy") or {}).get("budget_s", _DEFAULT_S))
        said = "How long the search over hyperparameters may take."
        with st.form("run", border=False):
            budget = st.number_input("Budget in seconds", 1, _LONGEST_S, default, help=said)
            reason = st.text_input("Reason", placeholder="Optional", max_chars=1000)
            sure = st.form_submit_button("Yes, start", type="primary")
        if sure:
            try:
                run = signed_in.gateway().start_run(model["name"], budget, reason.strip())
            except GatewayError as error:
                if not is_about_an_open_run(error):
                    raise
                show_open_run(error)
            else:
                st.switch_page("views/run.py", query_params={"id": run})


def is_about_an_open_run(error: GatewayError) -> bool:
    """Say whether a run was refused because another one is open."""
    return error.status == CONFLICT and bool(error.body.get("run"))


def show_open_run(error: GatewayError) -> None:
    """Say that a run is open already, and link to it."""
    st.warning(plain(error.sentence), icon=":material/autorenew:")
    st.page_link("views/run.py", label="Show the open run", query_params={"id": str(error.body["run"])})


@st.dialog("Cancel this run")
def cancel(run: RunShort) -> None:
    """Ask once more, then cancel the run."""
    with problems_in_words():
        serving = " The model keeps serving its current version." if run.get("kind") == "training" else ""
        st.markdown(f"Its progress so far is lost.{serving}")
        if st.button("Yes, cancel it", type="primary"):
            signed_in.gateway().cancel_run(run["id"])
            st.rerun()

"""An epoch of a live run that becomes a version, if the gate says so."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from streamlit_ui import live_points, signed_in
from streamlit_ui.client import GatewayError, SignedOut
from streamlit_ui.contract.types import LiveRun
from streamlit_ui.parts.live_dialogs import answer, forget
from streamlit_ui.parts.problems import problems_in_words, show_beside
from streamlit_ui.parts.starting import is_about_an_open_run, show_open_run
from streamlit_ui.text import number


@st.dialog("Keep this version", on_dismiss=forget)
def ask_keep(run: LiveRun) -> None:
    """Ask which epoch to keep, say what follows, and send it to the gate."""
    with problems_in_words():
        best = live_points.best_epoch(run)
        epoch = st.number_input(
            "Epoch",
            live_points.first_epoch(run),
            max(run["epoch"], best),
            best,
            help=f"Its best one is {best}.",
        )
        places = {"epoch": st.container()}
        st.markdown(
            "A training run takes these weights as they are and goes the way of every version:\n"
            "1. **Compile**: they become a file that the platform serves.\n"
            "2. **Parity**: that file has to give the same answers as what learnt.\n"
            "3. **Gate**: on rows neither has seen, it has to be better than what is served now.\n\n"
            "Its receipt names this run, its changes and forks. Nothing is served before the gate says so."
        )
        if st.button("Yes, keep it", type="primary", icon=":material/bookmark_add:"):
            _keep(run, epoch, places)


def _keep(run: LiveRun, epoch: int, places: dict[str, DeltaGenerator]) -> None:
    try:
        training = signed_in.gateway().keep(run["id"], epoch)
    except SignedOut:
        raise
    except GatewayError as error:
        if is_about_an_open_run(error):
            show_open_run(error)
        else:
            show_beside(error, places)
    else:
        answer(epoch, training)


@st.dialog("Keep this version", on_dismiss="rerun")
def show_kept(epoch: int, training: str) -> None:
    """Say that an epoch is kept, and lead to the run that takes it to the gate."""
    st.success(f"Epoch {number(epoch)} is on its way to the gate.", icon=":material/check_circle:")
    st.page_link(
        "views/run.py", label="Follow it", icon=":material/chevron_right:", query_params={"id": training}
    )

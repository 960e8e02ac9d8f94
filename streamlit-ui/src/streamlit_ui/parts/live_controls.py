"""The controls of a live run: go on, step, pause, stop; what to change; forks, replays and what is kept."""

from typing import Literal

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from streamlit_ui import live_words, signed_in
from streamlit_ui.client import GatewayError, SignedOut
from streamlit_ui.contract.types import LiveRun
from streamlit_ui.parts.live_dialogs import ask_for
from streamlit_ui.parts.live_fields import ask_adjustable
from streamlit_ui.parts.live_forking import fork
from streamlit_ui.parts.problems import problems_in_words, show_beside
from streamlit_ui.text import plain


@st.fragment
def show_controls(run: LiveRun) -> None:
    """Show what can be done with a run now."""
    with st.container(border=True), problems_in_words():
        if run["state"] == "ended":
            st.markdown("**It has ended**")
            st.caption("Fork it to go on from any of its epochs, or keep one of them.")
        elif run["diverged"]:
            _offer_return(run)
        else:
            _drive(run)
            _change(run)
        st.space("xxsmall")
        _branch_off(run)


def _drive(run: LiveRun) -> None:
    told: Literal["pause", "resume", "stop"] | None = None
    with st.container(horizontal=True, gap="xsmall"):
        if run["state"] == "paused":
            told = "resume" if st.button("Resume", type="primary", icon=":material/play_arrow:") else told
        else:
            told = "pause" if st.button("Pause", icon=":material/pause:") else told
        step = st.button("Step", icon=":material/skip_next:", help="Learn one more epoch, and pause.")
        told = (
            "stop"
            if st.button("Stop", icon=":material/stop:", help="End it; it can still be forked and kept.")
            else told
        )
    if step:
        signed_in.gateway().step(run["id"])
    elif told:
        signed_in.gateway().tell(run["id"], told)
    if step or told:
        st.rerun()


def _change(run: LiveRun) -> None:
    places: dict[str, DeltaGenerator] = {}
    changed = ask_adjustable(run, places)
    called = live_words.names(run["declared"])
    said = [
        f"{called[name]} {live_words.value(run['hyperparameters'].get(name))} → {live_words.value(value)}"
        for name, value in changed.items()
    ]
    st.caption(plain("; ".join(said)) if said else "Move the slider, then apply.")
    if st.button("Apply", type="primary", icon=":material/check:", disabled=not changed, width="stretch"):
        try:
            signed_in.gateway().change_hyperparameters(run["id"], changed)
        except SignedOut:
            raise
        except GatewayError as error:
            show_beside(error, places)
        else:
            st.rerun()


def _offer_return(run: LiveRun) -> None:
    found = run["diverged"]
    if found is None:
        return
    st.markdown("**It diverged**")
    st.caption(plain(found["reason"]))
    offer = found["fork"]
    rate = live_words.value(offer["learning_rate"])
    if st.button(
        f"Go on from epoch {offer['epoch']} at {rate}",
        type="primary",
        icon=":material/fork_right:",
        help="Fork the last good epoch at half the learning rate.",
        width="stretch",
    ):
        fork(run, {"epoch": offer["epoch"], "hyperparameters": {"learning_rate": offer["learning_rate"]}})
    if run["state"] != "ended" and st.button("Stop", icon=":material/stop:"):
        signed_in.gateway().tell(run["id"], "stop")
        st.rerun()


def _branch_off(run: LiveRun) -> None:
    begun = bool(run["best"])
    if st.button("Fork from here…", icon=":material/fork_right:", disabled=not begun, width="stretch"):
        ask_for(run["id"], "fork")
    if st.button("Replay…", icon=":material/replay:", disabled=not begun, width="stretch"):
        ask_for(run["id"], "replay")
    if st.button("Keep this version…", icon=":material/bookmark_add:", disabled=not begun, width="stretch"):
        ask_for(run["id"], "keep")
    for training in run["kept_by"]:
        st.page_link(
            "views/run.py",
            label=f"Kept by run {live_words.short(training)}",
            icon=":material/bookmark:",
            query_params={"id": training},
        )

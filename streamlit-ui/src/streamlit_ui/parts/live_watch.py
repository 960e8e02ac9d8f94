"""A live run as it learns: where it stands, what is in force, and its curves, which move by themselves."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from streamlit_ui import live_curves, live_words, signed_in
from streamlit_ui.client import GatewayError, SignedOut
from streamlit_ui.contract.types import LiveRun, RunShort
from streamlit_ui.live_curves import POINTS, Kept
from streamlit_ui.parts import problems
from streamlit_ui.parts.live_status import show_status
from streamlit_ui.parts.run_card import is_open

LEARNING_S, PAUSED_S = 0.5, 1.0
"""Seconds between two looks at a run that learns, and at one that waits for somebody."""
_CURVES, _SEEN = "live_curves", "live_seen"
_COMPONENT = Path(__file__).parents[1] / "components"

_frame = st.components.v2.component(
    "loopkeeper_live_curves",
    css=(_COMPONENT / "live_curves.css").read_text(),
    js=(_COMPONENT / "live_curves.js").read_text(),
)
_data = st.components.v2.component("loopkeeper_live_data", js=(_COMPONENT / "live_data.js").read_text())


def watch(run: LiveRun, others: Sequence[RunShort], log: bool) -> None:
    """Show a run and its curves, beside those of others, and go on looking while it is open."""
    st.session_state[_SEEN] = _seen(run)
    shown = {run["id"], *(one["id"] for one in others)}
    kept: dict[str, Kept] = st.session_state.setdefault(_CURVES, {})
    for gone in set(kept) - shown:
        del kept[gone]
    open_others = any(is_open(one) for one in others)
    every = None
    if run["state"] != "ended":
        every = PAUSED_S if run["state"] == "paused" else LEARNING_S
    elif open_others:
        every = LEARNING_S
    st.fragment(_look, run_every=every)(run, others, log)
    # What draws is sent with the page alone, and not twice a second with what is drawn.
    _frame(data={"run": run["id"]}, key=f"curves of {run['id']}")


def _look(run: LiveRun, others: Sequence[RunShort], log: bool) -> None:
    kept: dict[str, Kept] = st.session_state[_CURVES]
    try:
        gateway = signed_in.gateway()
        run = gateway.live(run["id"])
        if _seen(run) != st.session_state.get(_SEEN):
            # The whole page again: its controls are for how the run stood before.
            st.rerun()
        for one in [run["id"], *(one["id"] for one in others if is_open(one) or one["id"] not in kept)]:
            known = kept.get(one, Kept())
            kept[one] = live_curves.merged(known, gateway.curves(one, POINTS, known.last))
    except SignedOut:
        signed_in.end_session("Your session has ended. Please sign in again.")
        st.rerun()
    except GatewayError as error:
        # What is drawn stays while the gateway is away.
        problems.show(error)
    show_status(run)
    drawn = live_curves.drawn(
        run, kept, [(one["id"], live_words.short(one["id"])) for one in others], log=log
    )
    _data(data=drawn, key=f"data of {run['id']}", height=1)


def _seen(run: LiveRun) -> tuple[Any, ...]:
    """Return that of a run which the rest of the page depends on."""
    return (
        run["status"],
        run["state"],
        bool(run["diverged"]),
        bool(run["best"]),
        len(run["changes"]),
        sorted((name, str(value)) for name, value in run["hyperparameters"].items()),
        run["kept_by"],
    )

"""How the curves of a live run are shown: beside which others, and on which scale."""

import streamlit as st

from streamlit_ui import live_words, signed_in
from streamlit_ui.contract.types import LiveRun, RunShort
from streamlit_ui.live_curves import MOST_OTHERS
from streamlit_ui.parts.run_card import is_open
from streamlit_ui.times import ago


def ask_others(run: LiveRun) -> tuple[list[RunShort], bool]:
    """Ask which runs to compare with, at first the one it was forked from, and for the scale of losses."""
    known = {
        one["id"]: one
        for one in signed_in.gateway().runs(run["model"], kind="live")
        if one["id"] != run["id"]
    }
    parent = [run["parent"]] if run["parent"] in known else []
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.multiselect(
            "Compare with",
            list(known),
            parent,
            format_func=lambda name: _described(known[name], run["parent"]),
            placeholder="Other live runs and forks",
            max_selections=MOST_OTHERS,
            key=f"compared with {run['id']}",
            disabled=not known,
        )
        log = st.toggle(
            "Logarithmic", key="live_logarithmic", help="Losses, norms and the learning rate on a log scale."
        )
    return [known[name] for name in chosen if name in known], log


def _described(run: RunShort, parent: str | None) -> str:
    state = "learning" if is_open(run) else ago(run.get("created_at"))
    origin = " (its origin)" if run["id"] == parent else ""
    return f"{live_words.short(run['id'])}{origin}, by {run['subject']}, {state}"

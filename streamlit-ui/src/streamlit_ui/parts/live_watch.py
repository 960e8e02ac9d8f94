"""A live run as it learns: where it stands, what is in force, and its curves, which move by themselves."""

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from streamlit_ui import live_curves, live_words, signed_in
from streamlit_ui.client import GatewayError, SignedOut
from streamlit_ui.contract.types import LiveRun, RunShort
from streamlit_ui.live_curves import POINTS, Kept
from streamlit_ui.parts import problems
from streamlit_ui.parts.live_controls import SEEN, seen
from streamlit_ui.parts.live_status import show_status
from streamlit_ui.parts.run_card import is_open

EVERY_S = 0.5
"""Seconds between two looks at a run that is not over."""
_CURVES, _LAST = "live_curves", "live_last"
_COMPONENT = Path(__file__).parents[1] / "components"

_frame = st.components.v2.component(
    "loopkeeper_live_curves",
    css=(_COMPONENT / "live_curves.css").read_text(),
    js="\n".join((_COMPONENT / name).read_text() for name in ("live_stream.js", "live_curves.js")),
)
_data = st.components.v2.component("loopkeeper_live_data", js=(_COMPONENT / "live_data.js").read_text())


def watch(run: LiveRun, others: Sequence[RunShort], log: bool, *, still: bool = False) -> None:
    """Show a run and its curves, beside those of others; go on looking while it is open, unless `still`."""
    shown = {run["id"], *(one["id"] for one in others)}
    kept: dict[str, Kept] = st.session_state.setdefault(_CURVES, {})
    for gone in set(kept) - shown:
        del kept[gone]
    goes_on = run["state"] != "ended" or any(is_open(one) for one in others)
    st.fragment(_look, run_every=EVERY_S if goes_on and not still else None)(run, others, log, still=still)
    # What draws is sent with the page alone, and not twice a second with what is drawn.
    # It follows the events from here on: what was before is in the data already.
    after = run["last_seq"] if run["state"] != "ended" else None
    _frame(data={"run": run["id"], "after": after}, key=f"curves of {run['id']}")


def _look(begun: LiveRun, others: Sequence[RunShort], log: bool, *, still: bool) -> None:
    kept: dict[str, Kept] = st.session_state[_CURVES]
    name = begun["id"]
    try:
        gateway = signed_in.gateway()
        run = gateway.live(name)
        if seen(run) != st.session_state.get(SEEN) and not still:
            # The whole page again: its controls are for how the run stood before.
            st.rerun()
        for one in [name, *(one["id"] for one in others if is_open(one) or one["id"] not in kept)]:
            known = kept.get(one, Kept())
            kept[one] = live_curves.merged(known, gateway.curves(one, POINTS, known.last))
        st.session_state[_LAST] = run
    except SignedOut:
        signed_in.end_session("Your session has ended. Please sign in again.")
        st.rerun()
    except GatewayError as error:
        # What is shown stays while the gateway is away.
        problems.show(error)
        last: LiveRun | None = st.session_state.get(_LAST)
        run = last if last and last["id"] == name else begun
    show_status(run)
    drawn = live_curves.drawn(
        run, kept, [(one["id"], live_words.short(one["id"])) for one in others], log=log
    )
    _data(data=drawn, key=f"data of {run['id']}", height=1)

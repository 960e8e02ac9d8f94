"""Which dialog about a live run is open.

The page runs again whenever a run has changed, and would close a dialog that a button opened. So which one is
open is kept, with the run as it stood: what somebody is choosing from stays as they see it.
"""

from collections.abc import Callable, Mapping
from typing import Literal

import streamlit as st

from streamlit_ui.contract.types import LiveRun

_ASKED, _NEW, _KEPT = "live_dialog", "live_dialog_new", "live_dialog_kept"
What = Literal["fork", "replay", "keep"]


def ask_for(run: LiveRun, what: What) -> None:
    """Have the page open a dialog about a run as it stands, in its next run."""
    forget()
    st.session_state[_ASKED] = (run, what)
    st.session_state[_NEW] = True


def is_newly_asked() -> bool:
    """Say, once, whether a dialog was asked for and the page has to run again for it."""
    return bool(st.session_state.pop(_NEW, False))


def show_asked_for(run: str, dialogs: Mapping[What, Callable[[LiveRun], None]]) -> None:
    """Show the dialog that is open, if it is about this run."""
    kept: tuple[LiveRun, What] | None = st.session_state.get(_ASKED)
    if kept and kept[0]["id"] == run:
        dialogs[kept[1]](kept[0])


def answer(epoch: int, training: str) -> None:
    """Have the page say, instead of the dialog that is open, which run takes an epoch to the gate."""
    forget()
    st.session_state[_KEPT] = (epoch, training)
    st.rerun()


def answered() -> tuple[int, str] | None:
    """Return what is to be said instead of the dialog that was open, if anything: an epoch and a run."""
    found: tuple[int, str] | None = st.session_state.get(_KEPT)
    return found


def forget() -> None:
    """Close the dialog that is open."""
    st.session_state.pop(_ASKED, None)
    st.session_state.pop(_KEPT, None)

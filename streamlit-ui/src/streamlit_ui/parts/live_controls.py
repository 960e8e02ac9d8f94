"""The controls of a live run: go on, step, pause, stop; what to change; forks, replays and what is kept.

Whatever is pressed is done in a callback. Two presses in a short time come in one run of the page: one that
ran it again by itself would lose the other.
"""

from collections.abc import Callable

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from streamlit_ui import live_words, signed_in
from streamlit_ui.client import Gateway, GatewayError, SignedOut
from streamlit_ui.contract.types import ForkRequest, LiveRun
from streamlit_ui.parts.live_dialogs import What, ask_for, is_newly_asked
from streamlit_ui.parts.live_fields import ask_adjustable, changes
from streamlit_ui.parts.live_forking import fork
from streamlit_ui.parts.problems import problems_in_words, show_beside
from streamlit_ui.text import plain

SEEN, _PROBLEM = "live_seen", "live_problem"
Action = Callable[[Gateway], object]


@st.fragment
def show_controls(name: str) -> None:
    """Show what can be done with a run now."""
    with st.container(border=True), problems_in_words():
        run = signed_in.gateway().live(name)
        st.session_state[SEEN] = seen(run)
        places: dict[str, DeltaGenerator] = {}
        if run["state"] == "ended":
            st.markdown("**It has ended**")
            st.caption("Fork it to go on from any of its epochs, or keep one of them.")
        elif run["diverged"]:
            _offer_return(run)
        else:
            _drive(run)
            _change(run, places)
        _show_problem(run, places)
        st.space("xxsmall")
        _branch_off(run)
    if is_newly_asked():
        st.rerun()


def seen(run: LiveRun) -> tuple[object, ...]:
    """Return that of a run which its controls depend on."""
    return (
        run["status"],
        run["state"],
        bool(run["diverged"]),
        bool(run["best"]),
        sorted((name, str(value)) for name, value in run["hyperparameters"].items()),
        run["kept_by"],
    )


def _drive(run: LiveRun) -> None:
    name = run["id"]
    paused = run["state"] == "paused"
    # One button that changes: two would stand there for a moment, and move what the pointer is on.
    st.button(
        "Resume" if paused else "Pause",
        key=f"go {name}",
        type="primary" if paused else "secondary",
        icon=":material/play_arrow:" if paused else ":material/pause:",
        width="stretch",
        on_click=_do,
        args=(run, lambda gateway: gateway.tell(name, "resume" if paused else "pause")),
    )
    with st.container(horizontal=True, gap="xsmall"):
        said = "Learn one more epoch, and pause."
        _button("Step", ":material/skip_next:", run, lambda gateway: gateway.step(name), said)
        _offer_stop(run)


def _offer_stop(run: LiveRun) -> None:
    said = "End it; it can still be forked and kept."
    _button("Stop", ":material/stop:", run, lambda gateway: gateway.tell(run["id"], "stop"), said)


def _change(run: LiveRun, places: dict[str, DeltaGenerator]) -> None:
    ask_adjustable(run, places)
    called = live_words.names(run["declared"])
    said = [
        f"{called[name]} {live_words.value(run['hyperparameters'].get(name))} → {live_words.value(value)}"
        for name, value in changes(run).items()
    ]
    st.caption(plain("; ".join(said)) if said else "Move the slider, then apply.")
    st.button("Apply", type="primary", icon=":material/check:", width="stretch", on_click=_apply, args=(run,))


def _apply(run: LiveRun) -> None:
    if changed := changes(run):
        _do(run, lambda gateway: gateway.change_hyperparameters(run["id"], changed))


def _button(label: str, icon: str, run: LiveRun, action: Action, said: str) -> None:
    st.button(label, icon=icon, help=said, width="stretch", on_click=_do, args=(run, action))


def _do(run: LiveRun, action: Action) -> None:
    """Do what a button is for, and keep what keeps it from being done: a callback shows nothing itself."""
    st.session_state.pop(_PROBLEM, None)
    try:
        action(signed_in.gateway())
    except SignedOut:
        pass  # the controls themselves meet it next, and say so
    except GatewayError as error:
        st.session_state[_PROBLEM] = (run["id"], error)


def _show_problem(run: LiveRun, places: dict[str, DeltaGenerator]) -> None:
    kept: tuple[str, GatewayError] | None = st.session_state.get(_PROBLEM)
    if kept and kept[0] == run["id"]:
        show_beside(kept[1], places)


def _offer_return(run: LiveRun) -> None:
    found = run["diverged"]
    if found is None:
        return
    st.markdown("**It diverged**")
    st.caption(plain(found["reason"]))
    offer = found["fork"]
    rate = live_words.value(offer["learning_rate"])
    asked: ForkRequest = {
        "epoch": offer["epoch"],
        "hyperparameters": {"learning_rate": offer["learning_rate"]},
    }
    if st.button(
        f"Go on from epoch {offer['epoch']} at {rate}",
        type="primary",
        icon=":material/fork_right:",
        help="Fork the last good epoch at half the learning rate.",
        width="stretch",
    ):
        fork(run, asked)
    _offer_stop(run)


def _branch_off(run: LiveRun) -> None:
    dialogs: tuple[tuple[str, str, What], ...] = (
        ("Fork from here…", ":material/fork_right:", "fork"),
        ("Replay…", ":material/replay:", "replay"),
        ("Keep this version…", ":material/bookmark_add:", "keep"),
    )
    for label, icon, what in dialogs:
        st.button(
            label, icon=icon, width="stretch", disabled=not run["best"], on_click=_ask, args=(run, what)
        )
    for training in run["kept_by"]:
        st.page_link(
            "views/run.py",
            label=f"Kept by run {live_words.short(training)}",
            icon=":material/bookmark:",
            query_params={"id": training},
        )


def _ask(run: LiveRun, what: What) -> None:
    """Open a dialog about a run as it stands now, which is further than when the button was drawn."""
    _do(run, lambda gateway: ask_for(gateway.live(run["id"]), what))

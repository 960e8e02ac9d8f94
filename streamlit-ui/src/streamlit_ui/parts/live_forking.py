"""A live run that begins where another one was: with other hyperparameters, or for the same numbers."""

from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from streamlit_ui import live_points, live_words, signed_in
from streamlit_ui.client import GatewayError, SignedOut
from streamlit_ui.contract.types import ForkRequest, LiveRun
from streamlit_ui.parts.declared import ask_declared
from streamlit_ui.parts.live_dialogs import forget
from streamlit_ui.parts.live_runs import go_to
from streamlit_ui.parts.problems import problems_in_words, show_beside
from streamlit_ui.text import number, plain

_BEST, _EPOCH, _CHANGE, _START = "The best epoch", "An epoch", "Just before a change", "Where it began"
_MOST_EPOCHS = 100_000


def fork(run: LiveRun, asked: ForkRequest, places: dict[str, DeltaGenerator] | None = None) -> None:
    """Start a live run where another one was, and go to it; show beside its cause what keeps it from it."""
    try:
        with st.spinner("Starting …"):
            made = signed_in.gateway().fork(run["id"], asked)
    except SignedOut:
        raise
    except GatewayError as error:
        show_beside(error, places or {})
    else:
        forget()
        go_to(run["model"], made)


@st.dialog("Fork this run", on_dismiss=forget)
def ask_fork(run: LiveRun) -> None:
    """Ask where to leave a run and what to change there, and go to the fork."""
    with problems_in_words():
        st.caption("A new live run goes on from there, and learns the same rows in the same order.")
        places: dict[str, DeltaGenerator] = {}
        asked, values = _ask_place(run, [_EPOCH, _BEST, *([_CHANGE] if run["changes"] else [])], places)
        entered = _ask_hyperparameters(run, values, f"fork {run['id']}/{sorted(asked.items())}")
        places["hyperparameters"] = st.container()
        if changed := live_words.different(entered, values, run["adjustable"]):
            asked["hyperparameters"] = changed
        least = asked.get("epoch") or live_points.first_epoch(run)
        epochs = st.number_input(
            "Epochs in all",
            least + 1,
            _MOST_EPOCHS,
            max(run["epochs"], least + 1),
            help="It ends after so many.",
        )
        asked["epochs"] = epochs
        places["epochs"] = st.container()
        with st.container(horizontal=True):
            start = st.button("Fork", type="primary", icon=":material/fork_right:")
            paused = st.button("Fork, paused", icon=":material/pause:")
        if start or paused:
            fork(run, {**asked, "paused": paused}, places)


def _ask_hyperparameters(run: LiveRun, values: dict[str, Any], key: str) -> dict[str, Any]:
    """Ask for those of a fork, beginning with what is in force where it leaves."""
    declared: list[Any] = [
        {**one, "default": values.get(one["name"])}
        for one in run["declared"]
        if one["name"] in run["adjustable"]
    ]
    entered = ask_declared(declared[:1], key)
    with st.expander("Other hyperparameters"):
        return entered | ask_declared(declared[1:], key)


@st.dialog("Replay this run", on_dismiss=forget)
def ask_replay(run: LiveRun) -> None:
    """Ask from where to repeat a run, and go to the replay."""
    with problems_in_words():
        st.caption(
            "A new live run repeats every later change at the same place, up to the same last epoch. It then "
            "says whether its weights are the same, to the last bit."
        )
        places: dict[str, DeltaGenerator] = {}
        asked, _ = _ask_place(run, [_START, _EPOCH, *([_CHANGE] if run["changes"] else [])], places)
        if st.button("Replay", type="primary", icon=":material/replay:", key="replay it"):
            fork(run, {**asked, "replay": True}, places)


def _ask_place(
    run: LiveRun, places: list[str], beside: dict[str, DeltaGenerator]
) -> tuple[ForkRequest, dict[str, Any]]:
    """Ask where to leave a run; return that, and what was in force there."""
    how = st.segmented_control("From", places, default=places[0], required=True, key=f"from {places[0]}")
    if how == _CHANGE:
        called = live_words.names(run["declared"])
        by_number = {one["number"]: one for one in run["changes"]}
        chosen = st.selectbox(
            "Change",
            sorted(by_number, reverse=True),
            format_func=lambda number: (
                f"{number}: {', '.join(live_words.moves(by_number[number]['changes'], called))}"
            ),
        )
        beside["change"] = st.container()
        return {"change": chosen}, live_points.before(run, by_number[chosen])
    if how == _EPOCH:
        first, last = live_points.first_epoch(run), run["epoch"]
        epoch = st.number_input(f"Epoch ({number(first)} to {number(last)})", first, last, last)
        beside["epoch"] = st.container()
        return {"epoch": epoch}, live_points.after(run, epoch)
    best = live_points.best_epoch(run)
    if how == _BEST:
        st.caption(plain(f"Epoch {number(best)}."))
        return {"epoch": best}, live_points.after(run, best)
    return {}, live_points.after(run, live_points.first_epoch(run))

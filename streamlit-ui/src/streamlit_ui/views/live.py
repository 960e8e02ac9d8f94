"""Live: a model learns epoch by epoch, and a person steers it and sees at once what that does."""

import streamlit as st

from streamlit_ui import live_words, signed_in
from streamlit_ui.contract.types import LiveRun
from streamlit_ui.parts import models
from streamlit_ui.parts.live_branches import follow_branches
from streamlit_ui.parts.live_compare import ask_others
from streamlit_ui.parts.live_controls import show_controls
from streamlit_ui.parts.live_dialogs import answered, forget, show_asked_for
from streamlit_ui.parts.live_forking import ask_fork, ask_replay
from streamlit_ui.parts.live_keeping import ask_keep, show_kept
from streamlit_ui.parts.live_runs import RUN, list_live_runs
from streamlit_ui.parts.live_start import ask_start
from streamlit_ui.parts.live_watch import watch
from streamlit_ui.parts.tasks import learner_label
from streamlit_ui.text import plain
from streamlit_ui.times import ago

_SHOWN = "live_shown"


def page() -> None:
    """Show the live run that the address names, or what it takes to start one."""
    name = models.chosen_name()
    wanted = st.query_params.get(RUN)
    if not wanted:
        _begin(name)
        return
    st.page_link(
        "views/live.py",
        label="Live runs",
        icon=":material/arrow_back:",
        query_params={models.PARAMETER: name},
    )
    run = signed_in.gateway().live(wanted)
    if run["model"] != name:
        _settle(run)
    st.session_state[_SHOWN] = wanted
    _show(run)


def _begin(name: str) -> None:
    st.title("Live")
    st.caption(
        "Watch a model learn epoch by epoch, change its learning rate meanwhile, and see on the curves what "
        "that does. Nothing is lost: you can fork any epoch or change, and send the best to the gate."
    )
    form, others = st.columns([3, 2], gap="large")
    with form:
        ask_start(signed_in.gateway().model(name))
    with others:
        list_live_runs(name)


def _show(run: LiveRun) -> None:
    st.title("Live")
    begun = f"run {live_words.short(run['id'])}, started by {run['subject']} {ago(run['created_at'])}"
    st.caption(f"**{plain(run['model'])}** · {plain(learner_label(run['estimator']))} · {plain(begun)}")
    kept = answered()
    if kept:
        show_kept(*kept)
    else:
        show_asked_for(run["id"], {"fork": ask_fork, "replay": ask_replay, "keep": ask_keep})
    controls, curves = st.columns([3, 8], gap="medium")
    with controls:
        show_controls(run["id"])
    with curves:
        # Behind the link to what was kept nothing runs the page again: the curves move by themselves.
        watch(run, *ask_others(run), still=kept is not None)
    follow_branches(run["id"], still=kept is not None)
    if kept:
        forget()  # whoever comes back by a link finds the page without it


def _settle(run: LiveRun) -> None:
    """Leave a run whose model is not the chosen one any more; go to its model if a link led here."""
    if st.session_state.get(_SHOWN) == run["id"]:
        del st.query_params[RUN]
    else:
        models.choose_it(run["model"])
        st.query_params[models.PARAMETER] = run["model"]
    st.rerun()


page()

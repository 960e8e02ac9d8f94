"""Where a live run stands: how far it is, its best epoch, what is in force and who changed it last."""

import streamlit as st

from streamlit_ui import live_words, words
from streamlit_ui.contract.types import LiveRun
from streamlit_ui.text import number, plain
from streamlit_ui.times import ago, when


def show_status(run: LiveRun) -> None:
    """Show a live run in a few lines."""
    word, called = live_words.state(run), live_words.names(run["declared"])
    with st.container(border=True, gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.badge(word.label, color=word.colour, icon=word.icon)
            st.markdown(f"Epoch **{number(run['epoch'])}** of {number(run['epochs'])}", width="stretch")
            st.markdown(plain(_best(run)), width="content")
        st.progress(min(run["epoch"] / run["epochs"], 1.0))
        values = live_words.in_force(run["hyperparameters"], called)
        st.caption(plain(" · ".join(f"{name} {value}" for name, value in values.items())))
        if run["why"] and run["state"] in ("paused", "ended"):
            st.markdown(plain(run["why"]))
        if run["paused_until"] and run["state"] == "paused":
            st.caption(f"It is kept paused until {when(run['paused_until'])}, then it is stopped.")
        for told in run["pending"]:
            st.caption(f":material/pending: {plain(live_words.pending(told, called))}: not done yet.")
        for change in run["changes"][-1:]:
            moved = "; ".join(live_words.moves(change["changes"], called))
            told_by = f"by {change['subject']} {ago(change['at'])}, {live_words.where(change)}"
            st.caption(f":material/tune: {plain(f'{moved}, {told_by}')}")


def _best(run: LiveRun) -> str:
    best = run["best"]
    if best is None:
        return ""
    metric = words.metric(run["metric"] or "")
    return f"Best so far: {metric} {number(best['value'])} after epoch {number(best['epoch'])}"

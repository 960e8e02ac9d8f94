"""One run in a few lines: what it does, its progress, how it ended."""

import streamlit as st

from streamlit_ui import words
from streamlit_ui.contract.types import RunShort
from streamlit_ui.text import plain
from streamlit_ui.times import ago, between, duration

OPEN = frozenset({"queued", "running"})


def is_open(run: RunShort) -> bool:
    """Say whether a run has not ended yet."""
    return run.get("status") in OPEN


def subject(run: RunShort) -> str:
    """Return what a run is about: its model, else its dataset."""
    return run.get("model") or run.get("dataset") or "–"


def show_run(run: RunShort) -> None:
    """Show a run's kind and status, why it was started, its progress and how it ended."""
    word, kind = words.status(run.get("status")), words.kind(run.get("kind"))
    took = between(run.get("started_at"), run.get("finished_at"))
    with st.container(horizontal=True, vertical_alignment="center"):
        st.badge(word.label, color=word.colour, icon=word.icon)
        st.markdown(f"{kind.icon} **{plain(kind.label)}** {plain(subject(run))}", width="stretch")
    facts = [
        words.trigger(run.get("trigger")),
        f"{ago(run.get('created_at'))} by {run.get('subject', '–')}",
        *(
            [f"took {duration(took)}" if run.get("finished_at") else f"running for {duration(took)}"]
            if took is not None
            else []
        ),
        *([f"made version {run['version']}"] if run.get("version") else []),
        *(
            [f"dataset version {run['dataset_version']}"]
            if run.get("kind") == "dataset" and run.get("dataset_version")
            else []
        ),
    ]
    st.caption(plain(" · ".join(facts)))
    if is_open(run):
        step = "Waiting for its turn" if run.get("status") == "queued" else words.step(run.get("step"))
        ending = ", is being cancelled" if run.get("cancel_requested") else ""
        st.progress(min(max(float(run.get("progress") or 0), 0.0), 1.0), plain(step + ending))
    elif run.get("error"):
        st.markdown(f":red[{plain(run['error'])}]")
    if run.get("reason"):
        st.caption(f"Reason: {plain(run['reason'])}")

"""The tasks that can be trained, asked for once in a session: a reload of the page asks again."""

import streamlit as st

from streamlit_ui import signed_in
from streamlit_ui.contract.types import TaskDescription
from streamlit_ui.declarations import task_named
from streamlit_ui.text import title

_KEPT = "tasks"


def known_tasks() -> list[TaskDescription]:
    """Return what the gateway says of each task; it tells only engineers, so for a user there is none."""
    if not signed_in.may("engineer"):
        return []
    if _KEPT not in st.session_state:
        st.session_state[_KEPT] = signed_in.gateway().tasks()
    found: list[TaskDescription] = st.session_state[_KEPT]
    return found


def task_label(name: str | None) -> str:
    """Return what kind of problem a task is, or its name where nothing more is known of it."""
    task = task_named(known_tasks(), name)
    return task["label"] if task else title(name or "Unknown")


def learner_label(name: str) -> str:
    """Return what people call something that learns epoch by epoch."""
    known = (one for task in known_tasks() for one in task.get("live_estimators") or [])
    return next((one["title"] for one in known if one["name"] == name), title(name))

"""What a person chooses before a live run: what learns, how, and for how long."""

from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from streamlit_ui import signed_in
from streamlit_ui.client import GatewayError, SignedOut
from streamlit_ui.contract.types import LiveRunRequest, ModelDetail, TaskDescription
from streamlit_ui.declarations import task_named
from streamlit_ui.parts.blank import blank
from streamlit_ui.parts.declared import ask_declared
from streamlit_ui.parts.live_runs import go_to
from streamlit_ui.parts.problems import show_beside
from streamlit_ui.parts.tasks import known_tasks
from streamlit_ui.text import plain

_EPOCHS, _MOST_EPOCHS = 50, 100_000


def ask_start(model: ModelDetail) -> None:
    """Ask what is to learn, and start it; say so where nothing learns epoch by epoch."""
    task = task_named(known_tasks(), model["task"])
    if task is None or not task.get("live_estimators"):
        blank(
            ":material/tune:",
            "This model is not trained live",
            "What learns epoch by epoch takes the rows of tables. Choose another model.",
        )
        return
    with st.container(border=True):
        st.subheader("Start a live run")
        places: dict[str, DeltaGenerator] = {}
        asked = _ask(model["name"], task, places)
        with st.container(horizontal=True):
            start = st.button("Start", type="primary", icon=":material/play_arrow:")
            paused = st.button(
                "Start paused",
                icon=":material/pause:",
                help="It gets ready and waits before its first epoch, so that you can step through it.",
            )
        if start or paused:
            _start(model["name"], {**asked, "paused": paused}, places)


def _ask(model: str, task: TaskDescription, places: dict[str, DeltaGenerator]) -> LiveRunRequest:
    known = {one["name"]: one for one in task.get("live_estimators") or []}
    name = st.selectbox(
        "What learns", list(known), format_func=lambda name: known[name]["title"], key=f"learner for {model}"
    )
    chosen = known[name]
    st.caption(plain(chosen["help"]))
    places["estimator"] = st.container()
    asked: LiveRunRequest = {"estimator": name}
    if vectorizers := {one["name"]: one for one in task.get("vectorizers") or []}:
        asked["vectorizer"] = st.selectbox(
            "How texts become numbers", list(vectorizers), format_func=lambda name: vectorizers[name]["title"]
        )
        places["vectorizer"] = st.container()
    values: dict[str, Any] = ask_declared(chosen["hyperparameters"], f"live {model}/{name}")
    places["hyperparameters"] = st.container()
    asked["hyperparameters"] = values
    asked["epochs"] = st.number_input(
        "Epochs", 1, _MOST_EPOCHS, _EPOCHS, width=260, help="It ends after so many; you can stop it earlier."
    )
    places["epochs"] = st.container()
    return asked


def _start(model: str, asked: LiveRunRequest, places: dict[str, DeltaGenerator]) -> None:
    try:
        with st.spinner("Starting …"):
            run = signed_in.gateway().start_live(model, asked)
    except SignedOut:
        raise
    except GatewayError as error:
        show_beside(error, places)
    else:
        go_to(model, run)

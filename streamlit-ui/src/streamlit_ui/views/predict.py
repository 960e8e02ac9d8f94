"""Predict: one input, its answer, and whether it was right."""

import uuid
from typing import Any

import streamlit as st

from streamlit_ui import signed_in
from streamlit_ui.answers import Model, Prediction
from streamlit_ui.client import GatewayError
from streamlit_ui.parts import models, problems
from streamlit_ui.parts.answer import show_answer
from streamlit_ui.parts.form import ask_row
from streamlit_ui.parts.judging import judge
from streamlit_ui.text import plain

NOT_READY = 503


def page() -> None:
    """Show the form, and below it the last answer until there is a newer one."""
    model = models.chosen(served=True)
    st.title("Predict")
    st.caption(
        f"What is **{plain(model['target'])}**? Fill in what you know; an empty field counts as missing."
    )
    entered = ask_row(model)
    kept = f"answer of {model['name']}"
    failed = entered is not None and not _predict(model, entered, kept)
    prediction: Prediction | None = st.session_state.get(kept)
    if prediction is None:
        return
    st.subheader("Your previous answer" if failed else "Answer")
    with st.container(border=True):
        show_answer(prediction, model["target"])
        st.caption(f"Version {plain(prediction['version'])} · prediction {plain(prediction['id'])}")
    judge(model, prediction)


def _predict(model: Model, entered: dict[str, Any], kept: str) -> bool:
    """Ask for one prediction and keep it; say so if there is none, and leave the last one alone."""
    try:
        with st.spinner("Predicting …"):
            answer = signed_in.gateway().predict(model["name"], [entered], uuid.uuid4().hex)
    except GatewayError as error:
        if error.status == NOT_READY:
            models.not_ready()
        elif error.errors:
            problems.show(error)
        else:
            raise
        return False
    st.session_state[kept] = {**answer["predictions"][0], "version": answer["version"]}
    return True


page()

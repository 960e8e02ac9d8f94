"""Predict: one input, its answer, and whether it was right."""

import uuid
from contextlib import suppress
from typing import Any

import streamlit as st

from streamlit_ui import signed_in
from streamlit_ui.answers import Model, Prediction
from streamlit_ui.client import GatewayError, SignedOut
from streamlit_ui.parts import models, problems
from streamlit_ui.parts.answer import show_answer
from streamlit_ui.parts.explanation import offer_explanation
from streamlit_ui.parts.form import ask_row, refill
from streamlit_ui.parts.judging import judge
from streamlit_ui.text import plain

NOT_READY = 503
_NAMED = "answer"

_scroll = st.components.v2.component(
    "loopkeeper_scroll",
    js="""let shown = null;
    export default ({data, parentElement}) => {
        if (!data.prediction || data.prediction === shown) return;
        shown = data.prediction;
        const place = parentElement.host ?? parentElement;
        place.style.scrollMarginTop = "4rem";
        place.scrollIntoView({behavior: "smooth", block: "start"});
    }""",
)


def page() -> None:
    """Show the form, and below it the last answer until there is a newer one."""
    model = models.chosen(served=True)
    st.title("Predict")
    st.caption(
        f"What is **{plain(model['target'])}**? Fill in what you know; what is left empty counts as missing."
    )
    kept = f"answer of {model['name']}"
    if kept not in st.session_state:
        _remember(model, kept)
    entered = ask_row(model)
    failed = entered is not None and not _predict(model, entered, kept)
    prediction: Prediction | None = st.session_state.get(kept)
    if prediction is None:
        return
    _scroll_to_answer(prediction["id"] if entered is not None and not failed else None)
    st.subheader("Your previous answer" if failed else "Answer")
    with st.container(border=True):
        show_answer(prediction, model["target"])
        offer_explanation(prediction)
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
        elif isinstance(error, SignedOut):
            raise
        else:
            problems.show(error)
        return False
    st.session_state[kept] = {**answer["predictions"][0], "version": answer["version"]}
    # The address names the answer, so that a reload of the browser finds it again.
    st.query_params[_NAMED] = answer["predictions"][0]["id"]
    return True


def _remember(model: Model, kept: str) -> None:
    """Show the answer that the address names, with its inputs in the form; a wrong address is no answer."""
    if not (wanted := st.query_params.get(_NAMED)):
        return
    with suppress(GatewayError):
        found = signed_in.gateway().prediction(wanted)
        if found.get("model") == model["name"]:
            st.session_state[kept] = found
            refill(model, found.get("inputs") or {})


def _scroll_to_answer(prediction: str | None) -> None:
    """Bring a new answer into view: on a phone the form alone is longer than the screen."""
    _scroll(data={"prediction": prediction}, key="scroll to answer", height=1)


page()

"""Predict: one input or several texts, the answers, and whether they were right."""

import uuid
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import streamlit as st

from streamlit_ui import signed_in
from streamlit_ui.client import GatewayError, SignedOut
from streamlit_ui.contract.types import ModelDetail
from streamlit_ui.parts import models, problems
from streamlit_ui.parts.answer import AnsweredInput, show_answer
from streamlit_ui.parts.asking import ask_version
from streamlit_ui.parts.explanation import offer_explanation
from streamlit_ui.parts.face_models import link_to_faces, takes_pictures
from streamlit_ui.parts.feedback import ask_feedback
from streamlit_ui.parts.form import ask_row, refill
from streamlit_ui.parts.texts import MOST_TEXTS, ask_texts, refill_texts, text_field
from streamlit_ui.text import plain, shorten

NOT_READY = 503
_NAMED = "answer"
_SHOWN = 200

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
    """Show the form, and below it the last answers until there are newer ones."""
    model = models.chosen(served=True)
    st.title("Predict")
    if takes_pictures(model):
        st.caption("This model takes pictures, and says who is in them.")
        link_to_faces(model["name"])
        return
    field = text_field(model)
    filled = "Enter a text" if field else "Fill in what you know; what is left empty counts as missing"
    st.caption(f"What is **{plain(model['target'])}**? {filled}.")
    kept = f"answer of {model['name']}"
    if (wanted := st.query_params.get(_NAMED)) and wanted != _ids(st.session_state.get(kept)):
        _remember(model, kept, wanted)
    version = ask_version(model)
    entered = ask_texts(model, field) if field else _one(ask_row(model))
    failed = entered is not None and not _predict(model, entered, version, kept)
    predictions: list[AnsweredInput] | None = st.session_state.get(kept)
    if not predictions:
        return
    _scroll_to_answer(predictions[0]["id"] if entered is not None and not failed else None)
    many = len(predictions) > 1
    st.subheader(f"Your previous answer{'s' * many}" if failed else f"Answer{'s' * many}")
    for prediction in predictions:
        with st.container(border=True):
            if field and many:
                given = (prediction.get("inputs") or {}).get(field.name) or ""
                st.markdown(f"“{plain(shorten(str(given), _SHOWN))}”")
            show_answer(prediction, model["target"])
            offer_explanation(prediction)
            st.caption(f"Version {plain(prediction['version'])} · prediction {plain(prediction['id'])}")
        ask_feedback(model, prediction)


def _one(row: dict[str, Any] | None) -> list[dict[str, Any]] | None:
    return None if row is None else [row]


def _predict(model: ModelDetail, entered: list[dict[str, Any]], version: str | None, kept: str) -> bool:
    """Ask for predictions and keep them; say so if there are none, and leave the last ones alone."""
    try:
        with st.spinner("Predicting …"):
            answer = signed_in.gateway().predict(model["name"], entered, uuid.uuid4().hex, version)
    except GatewayError as error:
        if error.status == NOT_READY:
            models.not_ready(model)
        elif isinstance(error, SignedOut):
            raise
        else:
            problems.show(error)
        return False
    answered: list[AnsweredInput] = [
        {**one, "version": answer["version"], "inputs": row, "feedback": []}
        for one, row in zip(answer["predictions"], entered, strict=True)
    ]
    st.session_state[kept] = answered
    # The address names the answers, so that a reload of the browser finds them again.
    st.query_params[_NAMED] = _ids(answered)
    return True


def _ids(answered: Sequence[AnsweredInput] | None) -> str:
    return ",".join(one["id"] for one in answered or [])


def _remember(model: ModelDetail, kept: str, wanted: str) -> None:
    """Show the answers that the address names, with their inputs in the form, unless another model's."""
    with suppress(GatewayError):
        found = [signed_in.gateway().prediction(one) for one in wanted.split(",")[:MOST_TEXTS]]
        if any(one.get("model") != model["name"] for one in found):
            del st.query_params[_NAMED]
            return
        st.session_state[kept] = found
        inputs = [one.get("inputs") or {} for one in found]
        if field := text_field(model):
            refill_texts(model, field, inputs)
        else:
            refill(model, inputs[0])


def _scroll_to_answer(prediction: str | None) -> None:
    """Bring a new answer into view: on a phone the form alone is longer than the screen."""
    _scroll(data={"prediction": prediction}, key="scroll to answer", height=1)


page()

"""Prediction: everything known of one answered input, and the place to give feedback later."""

from collections.abc import Mapping

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from streamlit_ui import signed_in, words
from streamlit_ui.contract.types import PredictionDetail
from streamlit_ui.parts import models
from streamlit_ui.parts.answer import show_answer
from streamlit_ui.parts.explanation import offer_explanation
from streamlit_ui.parts.face_answer import FACE_PX, show_face_answer, show_picture
from streamlit_ui.parts.face_models import takes_pictures
from streamlit_ui.parts.facts import show_facts
from streamlit_ui.parts.feedback import ask_feedback
from streamlit_ui.parts.problems import problems_in_words
from streamlit_ui.text import number, plain, titles
from streamlit_ui.times import ago, duration, when


def page() -> None:
    """Show the prediction that the address names."""
    back = st.container()
    wanted = st.query_params.get("id")
    if not wanted:
        _link_back(back)
        st.info("Choose a prediction in the history.")
        return
    prediction = signed_in.gateway().prediction(wanted)
    _link_back(back, prediction["model"])
    model = signed_in.gateway().model(prediction["model"])
    st.title("Prediction")
    st.caption(f"{when(prediction.get('at'))}, {ago(prediction.get('at'))}")
    with st.container(border=True):
        if takes_pictures(model):
            _show_face(prediction)
        else:
            show_answer(prediction, model["target"])
            offer_explanation(prediction)
    ask_feedback(model, prediction)
    _feedback(prediction)
    st.subheader("Input")
    inputs = prediction.get("inputs") or {}
    headings = titles(inputs)
    show_facts({headings[name]: _shown(value) for name, value in inputs.items()})
    st.subheader("Lineage")
    show_facts(_origin(prediction))


def _show_face(prediction: PredictionDetail) -> None:
    """Show the answer about a picture, beside the picture for those who may see it."""
    image = (prediction.get("inputs") or {}).get("image")
    with st.grid(2, min_column_width=FACE_PX):
        if image and signed_in.may("engineer"):
            with problems_in_words():
                show_picture(str(image))
        show_face_answer(prediction)


def _link_back(place: DeltaGenerator, model: str | None = None) -> None:
    named = {models.PARAMETER: model} if model else None
    place.page_link("views/history.py", label="History", icon=":material/arrow_back:", query_params=named)


def _origin(prediction: PredictionDetail) -> dict[str, str]:
    lineage: Mapping[str, object] = prediction["lineage"] or {}
    facts = {
        "Prediction": prediction["id"],
        "Model": prediction["model"],
        "Version": prediction["version"],
        "Stage": prediction.get("stage"),
        "Requested by": prediction.get("subject"),
        "Answered in": _latency(prediction.get("latency_ms")),
        "Trace": prediction.get("trace_id"),
        "Dataset": lineage.get("dataset"),
        "Dataset version": lineage.get("dataset_version"),
        "Dataset revision": lineage.get("dataset_revision"),
        "Run": lineage.get("run"),
        "Code revision": lineage.get("code_revision"),
        "Trained": when(str(lineage["trained_at"])) if lineage else None,
    }
    return {name: str(value) for name, value in facts.items() if value is not None}


def _feedback(prediction: PredictionDetail) -> None:
    if not prediction["feedback"]:
        return
    st.subheader("Feedback")
    for given in prediction["feedback"]:
        quoted = f"  \n“{plain(given['comment'])}”" if given["comment"] else ""
        who = f"{plain(given['subject'])}, {ago(given['at'])}"
        st.markdown(f"**{plain(words.feedback(given))}** · {who}{quoted}")


def _latency(milliseconds: float | None) -> str | None:
    return None if milliseconds is None else duration(milliseconds / 1000)


def _shown(value: object) -> str:
    if value is None:
        return "missing"
    return number(value) if isinstance(value, int | float) else str(value)


page()

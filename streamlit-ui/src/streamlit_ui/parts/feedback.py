"""Feedback on a prediction: whether it was right, and what is true if it was not."""

from typing import Any

import streamlit as st

from streamlit_ui import signed_in, words
from streamlit_ui.contract.types import FeedbackRequest, GivenFeedback, ModelDetail
from streamlit_ui.parts.answer import AnsweredInput
from streamlit_ui.parts.face_models import takes_pictures
from streamlit_ui.parts.problems import problems_in_words
from streamlit_ui.text import number, plain


@st.fragment
def ask_feedback(model: ModelDetail, prediction: AnsweredInput) -> None:
    """Ask whether a prediction was right, without running the rest of the page again."""
    key = prediction["id"]
    with st.container(border=True):
        heading = st.container()
        with st.container(horizontal=True):
            right = st.button("Right", icon=":material/thumb_up:", key=f"right {key}")
            wrong = st.button("Wrong", icon=":material/thumb_down:", key=f"wrong {key}")
        correction = st.empty()
        with problems_in_words():
            if right:
                _give(key, {"correct": True})
            if wrong:
                st.session_state[f"correcting {key}"] = True
            if st.session_state.get(f"correcting {key}"):
                with correction.container():
                    given = _ask_truth(model, prediction)
                if given:
                    _give(key, given)
            if not st.session_state.get(f"correcting {key}"):
                correction.empty()
        with heading:
            _head(prediction)


def own_feedback(prediction: AnsweredInput) -> GivenFeedback | FeedbackRequest | None:
    """Return what this person said of a prediction: just now, or as the gateway remembers it."""
    just_given: FeedbackRequest | None = st.session_state.get(f"feedback {prediction['id']}")
    session = signed_in.session()
    remembered = [
        given for given in prediction["feedback"] if session and given["subject"] == session.username
    ]
    return just_given or (remembered[-1] if remembered else None)


def _head(prediction: AnsweredInput) -> None:
    given = own_feedback(prediction)
    if given:
        st.success(
            f"Thank you. You said: **{plain(words.feedback(given))}**.", icon=":material/check_circle:"
        )
        st.caption("Changed your mind? Answer again: only your latest answer counts.")
    elif prediction["ask"]:
        st.info(
            "**Please give feedback on this one.** It was picked at random, so your answer counts most.",
            icon=":material/front_hand:",
        )
    else:
        st.markdown("**Was this right?** Please answer only if you know.")


def _ask_truth(model: ModelDetail, prediction: AnsweredInput) -> FeedbackRequest | None:
    """Ask what is true instead of a wrong answer, and return it when it is sent."""
    key, label = prediction["id"], prediction.get("label")
    given: FeedbackRequest = {"correct": False}
    by_value = not (model["classes"] or takes_pictures(model))
    with st.form(f"truth {key}", border=False):
        entered = _ask_entered(model, prediction)
        comment = st.text_input("Comment", placeholder="Optional", max_chars=1000, key=f"comment {key}")
        with st.container(horizontal=True):
            named = takes_pictures(model) and label is not None
            sentence = f"This is not {plain(label)}" if named else "Send feedback"
            send = st.form_submit_button(sentence, type="primary", key=f"send {key}")
            drop = st.form_submit_button("Never mind", type="tertiary", key=f"drop {key}")
    if drop:
        st.session_state.pop(f"correcting {key}", None)
    if not send:
        return None
    if by_value and entered is None:
        st.error("Please enter the true value.")
        return None
    if by_value:
        given["value"] = entered
    elif entered is not None:
        given["label"] = entered
    if comment.strip():
        given["comment"] = comment.strip()
    return given


def _ask_entered(model: ModelDetail, prediction: AnsweredInput) -> Any:
    """Ask for the true value, or for the true label among the others; none: it is not known."""
    key, label = prediction["id"], prediction.get("label")
    if takes_pictures(model):
        return _ask_name(model["name"], label, key)
    if not model["classes"]:
        entered = st.number_input("True value", value=None, format="%.6g", key=f"true value {key}")
        if tolerance := model["policy"].get("tolerance"):
            st.caption(f"An answer that is off by at most {number(tolerance)} counts as right.")
        return entered
    others = [name for name in model["classes"] if name != label]
    if len(others) == 1:
        st.markdown(f"Then **{plain(model['target'])}** is **{plain(others[0])}**. Is that so?")
        return others[0]
    return st.selectbox(
        "True label", others, index=None, placeholder="I do not know", key=f"true label {key}"
    )


def _ask_name(model: str, answered: str | None, key: str) -> str | None:
    """Ask whose face it is: of the known persons where the list may be read, in words otherwise."""
    if signed_in.may("engineer"):
        known = [one["label"] for one in signed_in.gateway().persons(model)]
        name: str | None = st.selectbox(
            "Who is it?",
            [one for one in known if one != answered],
            index=None,
            placeholder="I do not know, or nobody here",
            key=f"true name {key}",
        )
    else:
        name = st.text_input("Who is it?", placeholder="Optional", max_chars=64, key=f"true name {key}")
    if answered is not None:
        st.caption(f"The picture is remembered: this face is not taken for {plain(answered)} again.")
    return (name or "").strip() or None


def _give(prediction: str, given: FeedbackRequest) -> None:
    signed_in.gateway().give_feedback(prediction, given)
    st.session_state[f"feedback {prediction}"] = given
    st.session_state.pop(f"correcting {prediction}", None)
    st.toast("Thank you, your feedback is recorded.", icon=":material/favorite:")

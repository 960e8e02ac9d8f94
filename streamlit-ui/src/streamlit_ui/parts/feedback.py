"""Feedback on a prediction: whether it was right, and what is true if it was not."""

from typing import Any

import streamlit as st

from streamlit_ui import signed_in, words
from streamlit_ui.contract.types import FeedbackRequest, GivenFeedback, ModelDetail
from streamlit_ui.parts.answer import AnsweredInput
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
    key = prediction["id"]
    given: FeedbackRequest = {"correct": False}
    others = [name for name in model["classes"] if name != prediction.get("label")]
    with st.form(f"truth {key}", border=False):
        if not others:
            entered: Any = st.number_input("True value", value=None, format="%.6g", key=f"true value {key}")
            if tolerance := model["policy"].get("tolerance"):
                st.caption(f"An answer that is off by at most {number(tolerance)} counts as right.")
        elif len(others) == 1:
            st.markdown(f"Then **{plain(model['target'])}** is **{plain(others[0])}**. Is that so?")
            entered = others[0]
        else:
            entered = st.selectbox(
                "True label", others, index=None, placeholder="I do not know", key=f"true label {key}"
            )
        comment = st.text_input("Comment", placeholder="Optional", max_chars=1000, key=f"comment {key}")
        with st.container(horizontal=True):
            send = st.form_submit_button("Send feedback", type="primary", key=f"send {key}")
            drop = st.form_submit_button("Never mind", type="tertiary", key=f"drop {key}")
    if drop:
        st.session_state.pop(f"correcting {key}", None)
    if not send:
        return None
    if not others and entered is None:
        st.error("Please enter the true value.")
        return None
    if entered is not None and others:
        given["label"] = entered
    elif entered is not None:
        given["value"] = entered
    if comment.strip():
        given["comment"] = comment.strip()
    return given


def _give(prediction: str, given: FeedbackRequest) -> None:
    signed_in.gateway().give_feedback(prediction, given)
    st.session_state[f"feedback {prediction}"] = given
    st.session_state.pop(f"correcting {prediction}", None)
    st.toast("Thank you, your feedback is recorded.", icon=":material/favorite:")

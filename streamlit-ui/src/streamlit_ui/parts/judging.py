"""Saying whether a prediction was right, and what is true if it was not."""

from typing import Any

import streamlit as st

from streamlit_ui import signed_in, words
from streamlit_ui.answers import Judgement, Model, Prediction
from streamlit_ui.parts.problems import problems_in_words
from streamlit_ui.text import number, plain


@st.fragment
def judge(model: Model, prediction: Prediction) -> None:
    """Ask whether a prediction was right; the rest of the page stays as it is."""
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
                    said = _ask_truth(model, prediction)
                if said:
                    _give(key, said)
            if not st.session_state.get(f"correcting {key}"):
                correction.empty()
        with heading:
            _head(prediction)


def own_judgement(prediction: Prediction) -> Judgement | None:
    """Return what this person said of a prediction: just now, or as the gateway remembers it."""
    just_said: Judgement | None = st.session_state.get(f"judged {prediction['id']}")
    session = signed_in.session()
    remembered = [
        said
        for said in prediction.get("feedback") or []
        if session and said.get("subject") == session.username
    ]
    return just_said or (remembered[-1] if remembered else None)


def _head(prediction: Prediction) -> None:
    said = own_judgement(prediction)
    if said:
        st.success(
            f"Thank you. You said: **{plain(words.judgement(said))}**.", icon=":material/check_circle:"
        )
        st.caption("Changed your mind? Say it again; the last word counts.")
    elif prediction.get("ask"):
        st.info(
            "**Please judge this one.** It was picked at random, so your word on it counts most.",
            icon=":material/front_hand:",
        )
    else:
        st.markdown("**Was this right?** Only say so if you know.")


def _ask_truth(model: Model, prediction: Prediction) -> Judgement | None:
    """Show what is left to say of a wrong answer, and return it when it is sent."""
    key = prediction["id"]
    said: Judgement = {"correct": False}
    others = [name for name in model.get("classes") or [] if name != prediction.get("label")]
    with st.form(f"truth {key}", border=False):
        if not others:
            entered: Any = st.number_input("True value", value=None, format="%.6g", key=f"true value {key}")
            if tolerance := (model.get("policy") or {}).get("tolerance"):
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
    if entered is not None:
        said["label" if others else "value"] = entered
    if comment.strip():
        said["comment"] = comment.strip()
    return said


def _give(prediction: str, said: Judgement) -> None:
    signed_in.gateway().judge(prediction, said)
    st.session_state[f"judged {prediction}"] = said
    st.session_state.pop(f"correcting {prediction}", None)
    st.toast("Thank you: your feedback is recorded.", icon=":material/favorite:")

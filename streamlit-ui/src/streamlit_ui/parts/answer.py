"""What the model answered, with probabilities and flags."""

from typing import Any

import streamlit as st

from streamlit_ui import charts, words
from streamlit_ui.contract.types import Answer, GivenFeedback
from streamlit_ui.parts.face_answer import show_face_answer
from streamlit_ui.text import listing, plain


class AnsweredInput(Answer):
    """An answer with what it answers, fresh or read again: a history's entry has all of it and more."""

    version: str
    inputs: dict[str, Any]
    feedback: list[GivenFeedback]


def show_answer(prediction: Answer, target: str) -> None:
    """Show the answered label or value, how probable each class is, and what was unusual in the input."""
    if words.is_of_a_face(prediction):
        show_face_answer(prediction)
        return
    with st.grid(2, min_column_width=260):
        with st.container(gap="xsmall"):
            st.caption(f"Predicted {plain(target)}")
            st.markdown(f"# {plain(words.answer(prediction))}")
            if share := words.certainty(prediction):
                st.markdown(f"with a probability of **{plain(share)}**")
        with st.container():
            if shares := prediction.get("probabilities"):
                st.altair_chart(
                    charts.probabilities(shares, prediction.get("label")),
                    alt=", ".join(f"{name}: {share:.0%}" for name, share in shares.items()),
                )
    flags = prediction.get("flags") or []
    if odd := words.oddities(flags):
        st.warning(
            "**This input is unusual**, so the answer is less reliable:\n"
            + "\n".join(f"- {plain(words.flag(flag))}" for flag in odd),
            icon=":material/flag:",
        )
    if ignored := words.ignored(flags):
        st.caption(f"Sent, but no input of the model, so it played no part: {plain(listing(ignored))}.")

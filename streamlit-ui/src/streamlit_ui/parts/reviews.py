"""The review list: answers that were close calls, and answers that somebody contradicted."""

import streamlit as st

from streamlit_ui import signed_in, words
from streamlit_ui.contract.types import ModelDetail, Review
from streamlit_ui.parts.blank import blank
from streamlit_ui.parts.face_answer import FACE_PX, show_picture
from streamlit_ui.parts.feedback import ask_feedback
from streamlit_ui.parts.problems import problems_in_words
from streamlit_ui.text import plain
from streamlit_ui.times import ago

AT_ONCE = 10
_REASONS = {
    "near-threshold": "A close call: a little more or less would have changed the answer.",
    "contradicted": "Somebody said that this is wrong.",
}


def show_reviews(model: ModelDetail) -> None:
    """Show the newest answers to look at; an engineer's feedback takes one off the list."""
    reviews = signed_in.gateway().reviews(model["name"])
    if not reviews:
        blank(
            ":material/task_alt:",
            "Nothing to review",
            "Answers near the threshold, and those that users call wrong, are listed here.",
        )
        return
    st.caption("Your feedback takes an answer off the list.")
    for review in reviews[:AT_ONCE]:
        with problems_in_words():
            with st.container(border=True), st.grid(2, min_column_width=FACE_PX):
                show_picture(review["image"])
                _show(review)
            ask_feedback(model, signed_in.gateway().prediction(review["prediction"]))
    if len(reviews) > AT_ONCE:
        st.caption(f"and {len(reviews) - AT_ONCE} more")


def _show(review: Review) -> None:
    with st.container(gap="xsmall"):
        st.markdown(f"### {plain(words.answer(review))}")
        st.markdown(_REASONS.get(review["reason"], plain(review["reason"])))
        st.caption(f"{ago(review['at'])} · {plain(words.nearness(review))}")
        st.page_link(
            "views/prediction.py",
            label="Details",
            icon=":material/chevron_right:",
            query_params={"id": review["prediction"]},
        )

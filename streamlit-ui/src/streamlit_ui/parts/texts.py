"""The form of a model that takes texts: one text, or several at once."""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from streamlit_ui.contract.types import ModelDetail
from streamlit_ui.forms import Field, fields

MOST_TEXTS = 20
_HEIGHT = 110


def text_field(model: ModelDetail) -> Field | None:
    """Return the field of a model that takes one text and nothing else."""
    found = fields(model["schema"])
    return found[0] if len(found) == 1 and found[0].kind == "text" else None


def ask_texts(model: ModelDetail, field: Field) -> list[dict[str, Any]] | None:
    """Show a field for each text; once submitted, return a row for each that is filled in."""
    count = st.session_state.setdefault(_count(model), 1)
    with st.form(f"texts of {model['name']}", border=True):
        texts = [
            st.text_area(
                field.label if count == 1 else f"{field.label} {place}",
                key=_key(model, place),
                height=_HEIGHT,
                help=field.help if place == 1 else None,
                persist_state="session",
            )
            for place in range(1, count + 1)
        ]
        with st.container(horizontal=True):
            submitted = st.form_submit_button(
                "Predict", type="primary", icon=":material/bolt:", key="predict"
            )
            more = st.form_submit_button("Another text", icon=":material/add:", disabled=count >= MOST_TEXTS)
    if more:
        st.session_state[_count(model)] = count + 1
        st.rerun()
    rows = [{field.name: text.strip()} for text in texts if text and text.strip()]
    if submitted and not rows:
        st.error("Please enter a text.", icon=":material/edit_note:")
    return rows if submitted and rows else None


def refill_texts(model: ModelDetail, field: Field, inputs: Sequence[dict[str, Any]]) -> None:
    """Fill the fields with the texts of earlier predictions; call it before `ask_texts`."""
    st.session_state[_count(model)] = max(len(inputs), 1)
    for place, given in enumerate(inputs, start=1):
        st.session_state[_key(model, place)] = str(given.get(field.name) or "")


def _count(model: ModelDetail) -> str:
    return f"number of texts for {model['name']}"


def _key(model: ModelDetail, place: int) -> str:
    return f"{model['name']}/text {place}"

"""The form for one input row, from the model's schema."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import streamlit as st

from streamlit_ui.contract.types import ModelDetail
from streamlit_ui.forms import Field, fields, row
from streamlit_ui.times import timestamp

EARLIEST, LATEST = datetime(1800, 1, 1), datetime(2200, 12, 31)  # noqa: DTZ001  # what a field takes has no zone


def ask_row(model: ModelDetail) -> dict[str, Any] | None:
    """Show the form and return its row when it is submitted."""
    own_values = model.get("policy", {}).get("unseen_category") != "reject"
    with st.form(f"inputs of {model['name']}", border=True):
        entered: dict[str, Any] = {}
        with st.grid(3, min_column_width=210, gap=("small", "small")):
            for field in fields(model["schema"]):
                entered[field.name] = _widget(field, f"{model['name']}/{field.name}", own_values=own_values)
        submitted = st.form_submit_button("Predict", type="primary", icon=":material/bolt:", key="predict")
    return row(entered) if submitted else None


def refill(model: ModelDetail, inputs: Mapping[str, Any]) -> None:
    """Fill the form with the inputs of an earlier prediction; call it before `ask_row`."""
    for field in fields(model["schema"]):
        if field.name in inputs:
            value = inputs[field.name]
            if value is not None and field.kind == "numeric":
                value = int(value) if field.integer else float(value)
            if field.kind == "datetime":
                value = _enterable(value)
            st.session_state[f"{model['name']}/{field.name}"] = value


def _widget(field: Field, key: str, *, own_values: bool) -> Any:
    """Show one field; started through the session state, it can also be emptied."""
    if key not in st.session_state:
        st.session_state[key] = _enterable(field.default) if field.kind == "datetime" else field.default
    shared: dict[str, Any] = {"key": key, "help": field.help, "persist_state": "session"}
    empty = "Required" if field.required else "Unknown"
    if field.kind == "numeric":
        # The range of training is a hint: values outside are answered and flagged.
        style = {"step": 1, "format": "%d"} if field.integer else {"step": field.step, "format": "%.6g"}
        return st.number_input(field.label, value=None, placeholder=empty, **style, **shared)
    if field.kind == "categorical" and field.choices:
        return st.selectbox(
            field.label,
            field.choices,
            index=None,
            placeholder=empty,
            accept_new_options=own_values,
            **shared,
        )
    if field.kind == "datetime":
        # Left alone, it would offer the ten years around today only.
        return st.datetime_input(
            field.label, value=None, min_value=EARLIEST, max_value=LATEST, format="YYYY-MM-DD", **shared
        )
    return st.text_area(field.label, value=None, placeholder=empty, height="content", **shared)


def _enterable(written: Any) -> datetime | None:
    """Return a timestamp as a field takes it, in UTC and without a zone; none if it is out of range."""
    at = timestamp(written)
    bare = at.replace(tzinfo=None) if at else None
    return bare if bare and EARLIEST <= bare <= LATEST else None

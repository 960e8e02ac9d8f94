"""A model's policy: for reading, and for a maintainer to change."""

from typing import Any

import streamlit as st

from streamlit_ui import signed_in, words
from streamlit_ui.contract.types import ModelDetail
from streamlit_ui.declarations import task_named
from streamlit_ui.parts.problems import problems_in_words
from streamlit_ui.parts.tasks import known_tasks
from streamlit_ui.policy_fields import GROUPS, PolicyField, changed, fields_for
from streamlit_ui.text import listing, plain

_SAVED = "policy_saved"


def show_policy(model: ModelDetail) -> None:
    """Show the policy, which a maintainer can change."""
    policy: dict[str, Any] = dict(model["policy"])
    may_change = signed_in.may("maintainer")
    if saved := st.session_state.pop(_SAVED, None):
        st.success(plain(saved), icon=":material/check_circle:")
    st.caption(
        "These numbers decide when the model is retrained and what a challenger must prove."
        + ("" if may_change else " A maintainer can change them.")
    )
    entered: dict[str, Any] = {}
    with st.form(f"policy of {model['name']}"):
        task = task_named(known_tasks(), model["task"])
        for heading, group in fields_for(task, policy).items():
            st.markdown(f"**{heading}**")
            with st.grid(3, min_column_width=190):
                for field in group:
                    entered[field.name] = _widget(field, policy[field.name], disabled=not may_change)
        save = st.form_submit_button("Save policy", type="primary", disabled=not may_change)
    if save and may_change:
        with problems_in_words():
            _save(model, changed(policy, entered))


def _save(model: ModelDetail, changes: dict[str, Any]) -> None:
    if not changes:
        st.info("Nothing was changed.")
        return
    signed_in.gateway().change_policy(model["name"], changes)
    labels = [field.label for group in GROUPS.values() for field in group if field.name in changes]
    st.session_state[_SAVED] = f"Saved: {listing(labels)}."
    st.rerun()


def _widget(field: PolicyField, value: Any, *, disabled: bool) -> Any:
    shared: dict[str, Any] = {"help": field.help, "disabled": disabled}
    if field.kind == "switch":
        return st.checkbox(field.label, value=bool(value), **shared)
    if field.kind == "choice":
        choices: list[str | None] = [*([None] if field.optional else []), *field.choices]
        return st.selectbox(
            field.label,
            choices,
            index=choices.index(value) if value in choices else 0,
            format_func=lambda name: words.metric(name) if name else "Default of the task",
            **shared,
        )
    if field.kind == "whole":
        most = None if field.maximum is None else int(field.maximum)
        return st.number_input(field.label, int(field.minimum), most, int(value), 1, **shared)
    if field.optional and value is None:
        return st.number_input(
            field.label, field.minimum, field.maximum, None, 0.01, "%.6g", placeholder="off", **shared
        )
    step = 0.01 if field.kind == "share" else 1.0
    high = None if field.maximum is None else float(field.maximum)
    return st.number_input(field.label, float(field.minimum), high, float(value), step, "%.6g", **shared)

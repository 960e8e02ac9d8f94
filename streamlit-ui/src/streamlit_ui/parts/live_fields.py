"""Fields for the hyperparameters of a live run: they follow what is in force, but not what a hand holds."""

from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from streamlit_ui import live_words
from streamlit_ui.contract.types import Hyperparameter, LiveRun
from streamlit_ui.parts import log_slider
from streamlit_ui.parts.declared import ask_declared

SLIDDEN = "learning_rate"
"""What has a slider, as it is what people change most."""


def ask_adjustable(run: LiveRun, places: dict[str, DeltaGenerator]) -> None:
    """Show a field for each hyperparameter that may change, with a place in `places` for its errors."""
    declared = [one for one in run["declared"] if one["name"] in run["adjustable"]]
    keys = _keys(run, declared)
    for one in declared:
        if _is_slidden(one):
            log_slider.ask(one, float(run["hyperparameters"][SLIDDEN] or 0), keys[SLIDDEN])
            places[SLIDDEN] = st.container()
    with st.expander("Other hyperparameters", key=f"others of {run['id']}"):
        for one in declared:
            if not _is_slidden(one):
                now: Any = {**one, "default": run["hyperparameters"].get(one["name"])}
                ask_declared([now], keys[one["name"]])
                places[one["name"]] = st.container()


def changes(run: LiveRun) -> dict[str, Any]:
    """Return what was entered and is not in force."""
    fields: dict[str, dict[str, Any]] = st.session_state.get(_fields(run), {})
    found = {
        one["name"]: _entered(one, _key(run, fields[one["name"]]))
        for one in run["declared"]
        if one["name"] in fields
    }
    entered = {name: value[0] for name, value in found.items() if value}
    return live_words.different(entered, run["hyperparameters"], run["adjustable"])


def _is_slidden(declared: Hyperparameter) -> bool:
    return declared["name"] == SLIDDEN and bool(declared.get("low")) and bool(declared.get("high"))


def _keys(run: LiveRun, declared: list[Hyperparameter]) -> dict[str, str]:
    """Return the key of each field: a new one, and so a new value, when what nobody touched has changed."""
    kept: dict[str, dict[str, Any]] = st.session_state.setdefault(_fields(run), {})
    for one in declared:
        now = run["hyperparameters"].get(one["name"])
        field = kept.setdefault(one["name"], {"base": now, "round": 0})
        if field["base"] != now:
            entered = _entered(one, _key(run, field))
            if entered is None or entered[0] == field["base"]:
                field["round"] += 1
            field["base"] = now
    return {name: _key(run, field) for name, field in kept.items()}


def _fields(run: LiveRun) -> str:
    return f"live fields {run['id']}"


def _key(run: LiveRun, field: dict[str, Any]) -> str:
    return f"live {run['id']}/{field['round']}"


def _entered(declared: Hyperparameter, key: str) -> tuple[Any] | None:
    """Return the value of a field, alone in a tuple as it may be none; none if the field is not shown."""
    if _is_slidden(declared):
        value = log_slider.entered(declared, key)
        return None if value is None else (value,)
    field = f"{key}/{declared['name']}"
    return (st.session_state[field],) if field in st.session_state else None

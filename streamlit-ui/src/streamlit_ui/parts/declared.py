"""Fields for what the API declares: hyperparameters and preparation choices with their ranges."""

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from streamlit_ui.contract.types import Estimator, Hyperparameter
from streamlit_ui.declarations import help_text, label, options, shown, step


def ask_declared(declarations: Sequence[Hyperparameter], key: str) -> dict[str, Any]:
    """Show a field for each declaration, beginning at its default, and return what is entered."""
    entered = {}
    with st.grid(2, min_column_width=210, gap=("small", "small")):
        for declaration in declarations:
            entered[declaration["name"]] = _widget(declaration, f"{key}/{declaration['name']}")
    return entered


def ask_fixed(declared: Estimator, key: str) -> dict[str, Any]:
    """Ask for hyperparameters that are set manually, and return them; the others are left to the search."""
    by_name = {declaration["name"]: declaration for declaration in declared["hyperparameters"]}
    if not by_name:
        return {}
    chosen = st.multiselect(
        f"Set manually for {declared['title']}",
        list(by_name),
        format_func=lambda name: label(by_name[name]),
        placeholder="Nothing: everything is searched",
        help="The search keeps what you set here and finds values for the rest within the budget.",
        key=f"{key}/fixed",
    )
    return ask_declared([by_name[name] for name in chosen], key)


def _widget(declaration: Hyperparameter, key: str) -> Any:
    named = label(declaration)
    shared: dict[str, Any] = {"key": key, "help": help_text(declaration)}
    default: Any = declaration.get("default")
    if declaration["kind"] == "flag":
        return st.checkbox(named, bool(default), **shared)
    if declaration["kind"] == "choice":
        known = options(declaration)
        return st.selectbox(
            named, known, known.index(default) if default in known else 0, format_func=shown, **shared
        )
    whole = declaration["kind"] == "integer"
    convert: Callable[[float], Any] = int if whole else float
    low, high = (
        None if end is None else convert(end) for end in (declaration.get("low"), declaration.get("high"))
    )
    initial = None if default is None else convert(default)
    style: dict[str, Any] = {"step": convert(step(declaration)), "format": "%d" if whole else "%.6g"}
    if declaration.get("nullable"):
        # Started through the session state, it can also be emptied.
        st.session_state.setdefault(key, initial)
        return st.number_input(named, low, high, None, placeholder="none", **style, **shared)
    return st.number_input(named, low, high, low if initial is None else initial, **style, **shared)

"""Fields for the hyperparameters of a live run: they follow what is in force, but not what a hand holds."""

from bisect import bisect_left
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from streamlit_ui import live_words
from streamlit_ui.contract.types import Hyperparameter, LiveRun
from streamlit_ui.declarations import help_text, label, step
from streamlit_ui.parts.declared import ask_declared

SLIDDEN = "learning_rate"
"""What has a slider, as it is what people change most."""
_PER_DECADE = 20


def ask_adjustable(run: LiveRun, places: dict[str, DeltaGenerator]) -> None:
    """Show a field for each hyperparameter that may change, with a place in `places` for its errors."""
    declared = [one for one in run["declared"] if one["name"] in run["adjustable"]]
    keys = _keys(run, declared)
    for one in declared:
        if _is_slidden(one):
            _ask_slidden(one, run["hyperparameters"][SLIDDEN], keys[SLIDDEN])
            places[SLIDDEN] = st.container()
    rest = [one for one in declared if not _is_slidden(one)]
    with st.expander("Other hyperparameters", key=f"others of {run['id']}"):
        for one in rest:
            now: Any = {**one, "default": run["hyperparameters"].get(one["name"])}
            ask_declared([now], keys[one["name"]])
            places[one["name"]] = st.container()


def changes(run: LiveRun) -> dict[str, Any]:
    """Return what was entered and is not in force."""
    fields: dict[str, dict[str, Any]] = st.session_state.get(_fields(run), {})
    entered = {
        name: _entered(_key(run, field), name)
        for name, field in fields.items()
        if _is_shown(_key(run, field), name)
    }
    return live_words.different(entered, run["hyperparameters"], run["adjustable"])


def grid(low: float, high: float) -> list[float]:
    """Return the values of a logarithmic slider: twenty a decade, two digits each."""
    found, number = [low], 0
    while True:
        number += 1
        value = float(f"{low * 10 ** (number / _PER_DECADE):.2g}")
        if value >= high:
            return [*found, high]
        found.append(value)


def nearest(values: list[float], wanted: float) -> float:
    """Return the value of a sorted list that is nearest to another one."""
    place = bisect_left(values, wanted)
    around = values[max(place - 1, 0) : place + 1] or values[-1:]
    return min(around, key=lambda value: abs(value - wanted))


def _ask_slidden(declared: Hyperparameter, now: Any, key: str) -> None:
    """Ask for a number by a slider and a field below it, which has the exact value."""
    number, slider = f"{key}/{declared['name']}/number", f"{key}/{declared['name']}/slider"
    low, high = float(declared.get("low") or 0), float(declared.get("high") or 1)
    values = grid(low, high)
    st.session_state.setdefault(number, float(now))
    st.session_state.setdefault(slider, nearest(values, float(now)))

    def follow_slider() -> None:
        st.session_state[number] = st.session_state[slider]

    def follow_number() -> None:
        st.session_state[slider] = nearest(values, st.session_state[number])

    st.select_slider(
        label(declared),
        values,
        format_func=live_words.value,
        key=slider,
        on_change=follow_slider,
        help=help_text(declared),
    )
    st.number_input(
        f"{label(declared)}, exactly",
        low,
        high,
        step=step({**declared, "default": now / 2}),
        format="%.6g",
        key=number,
        on_change=follow_number,
        label_visibility="collapsed",
    )


def _is_slidden(declared: Hyperparameter) -> bool:
    return declared["name"] == SLIDDEN and bool(declared.get("low")) and bool(declared.get("high"))


def _keys(run: LiveRun, declared: list[Hyperparameter]) -> dict[str, str]:
    """Return the key of each field: a new one, and so a new value, when what nobody touched has changed."""
    kept: dict[str, dict[str, Any]] = st.session_state.setdefault(_fields(run), {})
    for one in declared:
        name, now = one["name"], run["hyperparameters"].get(one["name"])
        field = kept.setdefault(name, {"base": now, "round": 0})
        if field["base"] != now:
            key = _key(run, field)
            if not _is_shown(key, name) or _entered(key, name) == field["base"]:
                field["round"] += 1
            field["base"] = now
    return {name: _key(run, field) for name, field in kept.items()}


def _fields(run: LiveRun) -> str:
    return f"live fields {run['id']}"


def _key(run: LiveRun, field: dict[str, Any]) -> str:
    return f"live {run['id']}/{field['round']}"


def _is_shown(key: str, name: str) -> bool:
    return f"{key}/{name}" in st.session_state or f"{key}/{name}/number" in st.session_state


def _entered(key: str, name: str) -> Any:
    plain = st.session_state.get(f"{key}/{name}")
    return st.session_state.get(f"{key}/{name}/number", plain)

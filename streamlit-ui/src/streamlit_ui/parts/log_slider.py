"""A number on a logarithmic slider, with a field below it for the exact value: each follows the other.

The browser sends all fields with each press. One that the page has just set, but the browser not yet drawn,
comes back with what it had before: typing a value and pressing *Apply* at once would then apply what the
slider stood at. So a field that comes back as it was is, for some seconds, no choice of anybody's.
"""

import time
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from streamlit_ui import live_words
from streamlit_ui.contract.types import Hyperparameter
from streamlit_ui.declarations import help_text, label, step

STALE_S = 3.0
"""So long a field may come back with what it had before."""
_PER_DECADE = 20


@dataclass
class Settled:
    """Where slider and field stand, and what an old picture of them would say."""

    slider: float
    number: float
    old_slider: float | None = None
    old_number: float | None = None
    until: float = 0.0
    """When no old picture comes any more, on a clock that never goes back."""

    def settle(self, slider: float, number: float, near: Callable[[float], float], now: float) -> None:
        """Take what came from the browser: a typed number moves the slider, the slider sets the number."""
        fresh = now > self.until
        if number != self.number and (fresh or number != self.old_number):
            self._stand(near(number), number, now, old_slider=slider)
        elif slider != self.slider and (fresh or slider != self.old_slider):
            self._stand(slider, slider, now, old_number=number)

    def _stand(
        self,
        slider: float,
        number: float,
        now: float,
        old_slider: float | None = None,
        old_number: float | None = None,
    ) -> None:
        self.slider, self.number = slider, number
        self.old_slider, self.old_number, self.until = old_slider, old_number, now + STALE_S


def ask(declared: Hyperparameter, now: float, key: str) -> None:
    """Show slider and field, which begin at the value in force."""
    low, high = _ends(declared)
    values = grid(low, high)
    begun = Settled(nearest(values, now), now)
    st.session_state.setdefault(_settled(key), begun)
    st.session_state.setdefault(f"{key}/slider", begun.slider)
    st.session_state.setdefault(f"{key}/number", begun.number)
    entered(declared, key)
    st.select_slider(
        label(declared),
        values,
        format_func=live_words.value,
        key=f"{key}/slider",
        on_change=_settle,
        args=(declared, key),
        help=help_text(declared),
    )
    st.number_input(
        f"{label(declared)}, exactly",
        low,
        high,
        step=step({**declared, "default": now / 2}),
        format="%.6g",
        key=f"{key}/number",
        on_change=_settle,
        args=(declared, key),
        label_visibility="collapsed",
    )


def entered(declared: Hyperparameter, key: str) -> float | None:
    """Return the exact value, and let slider and field agree on it; none if they are not shown."""
    settled: Settled | None = st.session_state.get(_settled(key))
    if settled is None or f"{key}/slider" not in st.session_state or f"{key}/number" not in st.session_state:
        return None
    values = grid(*_ends(declared))
    slider, number = st.session_state[f"{key}/slider"], st.session_state[f"{key}/number"]
    settled.settle(slider, number, lambda wanted: nearest(values, wanted), time.monotonic())
    # What is set is drawn anew, even under a hand that holds it.
    if slider != settled.slider:
        st.session_state[f"{key}/slider"] = settled.slider
    if number != settled.number:
        st.session_state[f"{key}/number"] = settled.number
    return settled.number


def _settle(declared: Hyperparameter, key: str) -> None:
    entered(declared, key)


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


def _ends(declared: Hyperparameter) -> tuple[float, float]:
    return float(declared.get("low") or 0), float(declared.get("high") or 1)


def _settled(key: str) -> str:
    return f"{key}/settled"

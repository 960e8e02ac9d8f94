"""What moved an answer most, for whoever wants to know."""

import streamlit as st

from streamlit_ui import charts, signed_in
from streamlit_ui.answers import Contribution, Explanation, Prediction
from streamlit_ui.parts.problems import problems_in_words
from streamlit_ui.text import number, percent, plain, plural, title

_SHOWN = 6


def offer_explanation(prediction: Prediction) -> None:
    """Show what moved a prediction most, once somebody has asked for it."""
    kept = f"explanation of {prediction['id']}"
    if kept not in st.session_state and st.button(
        "What moved it most?", icon=":material/troubleshoot:", key=f"explain {prediction['id']}"
    ):
        with problems_in_words(), st.spinner("Trying the inputs one by one …"):
            st.session_state[kept] = signed_in.gateway().explanation(prediction["id"])
            st.rerun()
    if found := st.session_state.get(kept):
        _show(found)


def _show(found: Explanation) -> None:
    st.markdown("**What moved it most**")
    moved = found["contributions"]
    rows = [(_input(one), one["contribution"], _amount(one["contribution"], found)) for one in moved[:_SHOWN]]
    if rest := moved[_SHOWN:]:
        together = sum(one["contribution"] for one in rest)
        rows.append((plural(len(rest), "other input"), together, _amount(together, found)))
    st.altair_chart(charts.contributions(rows), alt=", ".join(f"{name}: {shown}" for name, _, shown in rows))
    st.caption(
        f"On {found['background_rows']} rows it was trained with, version {plain(found['version'])} puts "
        f"{plain(found['explained'])} at {_value(found['baseline'], found)} on average. These inputs move it "
        f"to {_value(found['value'], found)}. {plain(found['method'])}."
    )


def _input(one: Contribution) -> str:
    given = one["given"]
    shown = "missing" if given is None else number(given) if isinstance(given, int | float) else str(given)
    return f"{title(one['input'])}: {shown}"


def _amount(amount: float, found: Explanation) -> str:
    sign = "+" if amount > 0 else "\N{MINUS SIGN}" if amount < 0 else "±"
    if found["label"] is None:
        return f"{sign}{number(abs(amount))}"
    return f"{sign}{abs(amount) * 100:.1f} points"


def _value(value: float, found: Explanation) -> str:
    return number(value) if found["label"] is None else percent(value)

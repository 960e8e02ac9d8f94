"""What moved an answer most, on request."""

import streamlit as st

from streamlit_ui import charts, signed_in
from streamlit_ui.contract.types import Answer, Contribution, Explanation, WordContribution
from streamlit_ui.parts.problems import problems_in_words
from streamlit_ui.text import number, percent, plain, plural, title

_SHOWN = 6


def offer_explanation(prediction: Answer) -> None:
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
    said = found.get("words")
    inputs = [(_input(one), one["contribution"]) for one in found["contributions"]]
    moved = _of_words(said) if said else inputs
    rows = [(name, amount, _amount(amount, found)) for name, amount in moved[:_SHOWN]]
    if rest := moved[_SHOWN:]:
        together = sum(amount for _, amount in rest)
        rows.append(
            (plural(len(rest), "other word" if said else "other input"), together, _amount(together, found))
        )
    st.altair_chart(charts.contributions(rows), alt=", ".join(f"{name}: {shown}" for name, _, shown in rows))
    compared = "For a blank text" if said else f"On {found['background_rows']} rows it was trained on"
    then = ". These words" if said else " on average. These inputs"
    st.caption(
        f"{compared}, version {plain(found['version'])} puts {plain(found['explained'])} at "
        f"{_value(found['baseline'], found)}{then} move it to {_value(found['value'], found)}. "
        f"{plain(found['method'])}."
    )


def _input(one: Contribution) -> str:
    given = one["given"]
    shown = "missing" if given is None else number(given) if isinstance(given, int | float) else str(given)
    return f"{title(one['input'])}: {shown}"


def _of_words(said: list[WordContribution]) -> list[tuple[str, float]]:
    """Return how far each different word moved the answer, the largest first."""
    together: dict[str, float] = {}
    for one in said:
        quoted = f"“{' '.join(one['text'].split())}”"
        together[quoted] = together.get(quoted, 0.0) + one["contribution"]
    return sorted(together.items(), key=lambda moved: -abs(moved[1]))


def _amount(amount: float, found: Explanation) -> str:
    sign = "+" if amount > 0 else "\N{MINUS SIGN}" if amount < 0 else "±"
    if found["label"] is None:
        return f"{sign}{number(abs(amount))}"
    return f"{sign}{abs(amount) * 100:.1f} points"


def _value(value: float, found: Explanation) -> str:
    return number(value) if found["label"] is None else percent(value)

"""What becomes of classes with too few rows to be learnt, asked beside the target."""

from typing import Any

import streamlit as st

from streamlit_ui.contract.types import ProposedColumn
from streamlit_ui.text import listing

FEWEST_ROWS, FEWEST_OF_A_CLASS = 100, 10
"""Below these the data-processor trains on no table, and on no class."""
_CHOICES = {
    "refuse": "Do not store the table yet",
    "leave_out": "Leave their rows out",
    "merge": "Merge them into one class",
}


def ask_rare_classes(target: ProposedColumn, key: str) -> dict[str, Any]:
    """Ask, if there are any, and return what is to be confirmed of the preparation."""
    counts = target["counts"]
    rare = [name for name, times in counts.items() if times < FEWEST_OF_A_CLASS]
    if not rare or sum(counts.values()) < FEWEST_ROWS:
        return {}
    action = st.selectbox(
        f"Classes with fewer than {FEWEST_OF_A_CLASS} rows",
        list(_CHOICES),
        format_func=lambda name: _CHOICES[name],
        key=f"rare {key} {target['name']}",
        help=f"There is too little of {listing(rare)} to be learnt.",
    )
    if action == "refuse":
        return {}
    if action == "leave_out":
        return {"rare_classes": {"action": action}}
    into = st.text_input("Name of the merged class", "other", max_chars=200, key=f"into {key}")
    return {"rare_classes": {"action": action, "into": into}}

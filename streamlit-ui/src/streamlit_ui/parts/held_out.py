"""What decides which rows of a dataset are held out, and what the leak audit says about it."""

from collections.abc import Mapping
from typing import Literal

import streamlit as st

from streamlit_ui import signed_in, words
from streamlit_ui.client import GatewayError, SignedOut
from streamlit_ui.columns import Chosen
from streamlit_ui.contract.types import DatasetProposal, HoldoutMeasured, ProposedHoldout
from streamlit_ui.parts.facts import show_facts
from streamlit_ui.parts.problems import show
from streamlit_ui.text import number, percent, plain

By = Literal["row", "group", "time"]
_BY: dict[By, str] = {"row": "Single rows", "group": "Whole groups", "time": "The newest rows"}
_MEANING: dict[By, str] = {
    "row": "Rows do not belong together.",
    "group": "Rows share an engine, a patient, a customer; they may follow each other too.",
    "time": "Rows follow each other.",
}
_COLUMN: dict[By, str] = {"group": "Column of the groups", "time": "Column of the time"}


def ask_holdout(
    dataset: str, proposal: DatasetProposal, said: Mapping[str, Chosen], target: str, key: str
) -> dict[str, str] | None:
    """Ask what decides which rows are held out; None: single rows."""
    st.caption("A new model is proved on rows that it has never seen. Which ones it must not have seen:")
    found = _found(dataset, proposal, target, key)
    if found is not None:
        _show_found(found, said, key)
    by: By = st.radio(
        "Hold out",
        list(_BY),
        format_func=lambda one: _BY[one],
        captions=list(_MEANING.values()),
        horizontal=True,
        key=f"hold out {key}",
    )
    if by == "row":
        return None
    names = [name for name in said if name != target]
    column = st.selectbox(
        _COLUMN[by], names, format_func=lambda name: said[name].name, key=_column_key(by, key)
    )
    if not column:
        return None
    chosen = {"by": by, "column": column}
    if by == "group" and (time := _ask_order([name for name in names if name != column], said, key)):
        chosen["time"] = time
    return chosen


def _ask_order(names: list[str], said: Mapping[str, Chosen], key: str) -> str | None:
    """Ask whether the rows of groups follow each other too, and in which column."""
    return st.selectbox(
        "Column of the time, if rows also follow each other",
        names,
        index=None,
        format_func=lambda name: said[name].name,
        placeholder="They do not",
        help="Groups decide what is held out, and among the others models are fitted to earlier rows and "
        "chosen by later ones. A group on both sides of that point is not fitted to.",
        key=f"hold out order {key}",
    )


def _found(dataset: str, proposal: DatasetProposal, target: str, key: str) -> ProposedHoldout | None:
    """Return what the audit says for a target; for another one than the proposed it is measured once."""
    proposed = proposal.get("holdout")
    if proposed is None or proposed["target"] == target:
        return proposed
    kept = f"audit {key} {target}"
    if kept not in st.session_state:
        try:
            with st.spinner("Looking for rows that belong together …"):
                st.session_state[kept] = signed_in.gateway().dataset_holdout(dataset, target)
        except SignedOut:
            raise
        except GatewayError as error:
            show(error)
            return None
    found: ProposedHoldout = st.session_state[kept]
    return found


def _show_found(found: ProposedHoldout, said: Mapping[str, Chosen], key: str) -> None:
    suggested = found["suggested"]
    if suggested is None:
        st.caption(plain(found["reason"]))
    else:
        st.warning(plain(found["reason"]), icon=":material/join_inner:")
    for measured in found["audit"]:
        if measured["flagged"]:
            show_facts(_figures(measured, said))
    if suggested is not None and suggested["column"] in said:
        name = said[suggested["column"]].name
        what = "groups of" if suggested["by"] == "group" else "the newest rows by"
        st.button(
            f"Hold out {what} {plain(name)}",
            icon=":material/check:",
            on_click=_take,
            args=(suggested["by"], suggested["column"], key),
        )


def _figures(measured: HoldoutMeasured, said: Mapping[str, Chosen]) -> dict[str, str]:
    metric = words.metric(measured["metric"])
    name = said[measured["column"]].name if measured["column"] in said else measured["column"]
    what = f"groups of {name}" if measured["by"] == "group" else f"later in {name}"
    growth = measured["this_split"] / measured["row_split"] - 1
    return {
        f"{metric}, single rows": number(measured["row_split"]),
        f"{metric}, {what}": number(measured["this_split"]),
        "Larger by": f"{percent(growth)} ({percent(measured['low'])} to {percent(measured['high'])})",
    }


def _take(by: By, column: str, key: str) -> None:
    """Choose what is suggested."""
    st.session_state[f"hold out {key}"] = by
    st.session_state[_column_key(by, key)] = column


def _column_key(by: By, key: str) -> str:
    return f"hold out {by} {key}"

"""The proposal for an uploaded file, for a person to correct and confirm."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Literal

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from streamlit_ui import charts, columns, readings, signed_in
from streamlit_ui.client import GatewayError, SignedOut
from streamlit_ui.columns import Chosen
from streamlit_ui.contract.types import (
    DatasetDetail,
    DatasetDifference,
    DatasetProposal,
    Hyperparameter,
    ProposedColumn,
    TaskDescription,
)
from streamlit_ui.declarations import different
from streamlit_ui.differences import between_files
from streamlit_ui.parts.declared import ask_declared
from streamlit_ui.parts.facts import show_facts
from streamlit_ui.parts.held_out import ask_holdout
from streamlit_ui.parts.problems import show_beside
from streamlit_ui.parts.rare_classes import ask_rare_classes
from streamlit_ui.parts.reading import show_reading
from streamlit_ui.parts.tasks import known_tasks
from streamlit_ui.text import listing, number, plain, plural

_ROW, _ROWS, _REASON = 35, 16, 290
"""The height of a row and the width of a reason in pixels; more rows than these are scrolled."""
# A dataset's alone: no model does it, so no task declares it.
_DROP_DUPLICATES: Hyperparameter = {
    "name": "drop_duplicates",
    "title": "Leave out duplicate rows",
    "help": "Rows that are the same in every column count once.",
    "kind": "flag",
    "default": False,
}


def ask_columns(dataset: DatasetDetail, proposal: DatasetProposal) -> None:
    """Ask for names and kinds of the columns, target, task and preparation, and confirm them."""
    # Another file starts afresh; the same one keeps what was entered.
    key = hashlib.sha256(json.dumps(proposal, sort_keys=True).encode()).hexdigest()[:16]
    show_reading(dataset["name"], proposal, key)
    if difference := proposal.get("difference"):
        show_difference(difference)
    st.subheader("Columns")
    said, places = _ask_kinds(proposal, key)
    drop_unreadable = _ask_unreadable(proposal, said, key)
    st.subheader("What to predict")
    target = _ask_target(proposal, said, key)
    places["target"] = st.container()
    task = _ask_task(proposal, said, target, key)
    places["task"] = st.container()
    column = next(one for one in proposal["columns"] if one["name"] == target)
    answer = task["answer"] if task else "label"
    _show_target(column, answer)
    rare = ask_rare_classes(column, key) if answer == "label" else {}
    if found := columns.warnings_for(proposal, target):
        st.warning(
            "**Before you train on it**\n" + "\n".join(f"- {plain(one)}" for one in found),
            icon=":material/warning:",
        )
    st.subheader("What to hold out")
    holdout = ask_holdout(dataset["name"], proposal, said, target, key)
    places["holdout"] = st.container()
    preparation = _ask_preparation(task, key) | rare
    places["preparation"] = st.container()
    if st.button("Confirm and store", type="primary", icon=":material/check:"):
        confirmation = {
            "target": target,
            "columns": columns.changes(proposal, said, drop_unreadable=drop_unreadable),
            "task": task and task["task"],
            **({"holdout": holdout} if holdout else {}),
            **({"preparation": preparation} if preparation else {}),
        }
        _confirm(dataset["name"], confirmation, places)


def show_difference(difference: DatasetDifference) -> None:
    """Say how a file differs from the previous version."""
    found = between_files(difference)
    version = difference.get("version")
    if not found:
        st.info(f"Nothing notable changed since version {version}.", icon=":material/difference:")
        return
    with st.expander(f"Differences from version {version}", icon=":material/difference:", expanded=True):
        st.markdown("\n".join(f"- {plain(line)}" for line in found))


def _ask_kinds(proposal: DatasetProposal, key: str) -> tuple[dict[str, Chosen], dict[str, DeltaGenerator]]:
    st.caption("Correct what is wrong: names, kinds and how cells are read can be changed in the table.")
    edited = st.data_editor(
        columns.table(proposal),
        key=f"columns {key}",
        hide_index=True,
        disabled=["Column", "Why", "Missing", "Distinct", "Examples"],
        column_order=[
            *("Name", "Kind", "Read as", "Why", "Missing", "Marks of missing", "May be missing"),
            *("Distinct", "Examples", "Column"),
        ],
        height=_ROW * (1 + min(len(proposal["columns"]), _ROWS)) + 2,
        column_config={
            "Name": st.column_config.TextColumn(max_chars=200, required=True, pinned=True),
            "Kind": st.column_config.SelectboxColumn(
                options=list(columns.KINDS.values()), required=True, help="What the values are."
            ),
            "Read as": st.column_config.SelectboxColumn(
                options=readings.labels(proposal),
                help="Another way to read the cells of this column, such as a date with the month first.",
            ),
            "Marks of missing": st.column_config.ListColumn(
                help="Texts that stand for a missing value. Remove one that is a value of its own."
            ),
            "May be missing": st.column_config.CheckboxColumn(help="Whether predictions may leave it out."),
            "Why": st.column_config.TextColumn(width=_REASON),
            "Examples": st.column_config.TextColumn(width="medium"),
            "Column": st.column_config.TextColumn("In the file"),
        },
        alt="The columns: what each is called, what it is, and why",
    )
    return columns.chosen(proposal, edited), {"columns": st.container()}


def _ask_unreadable(proposal: DatasetProposal, said: Mapping[str, Chosen], key: str) -> bool:
    """Show the cells that cannot be read as the others of their column, and ask what they are."""
    if lines := readings.unreadable_cells(proposal):
        st.warning(
            "**Some cells cannot be read as the others of their column**\n"
            + "\n".join(f"- {plain(line)}" for line in lines),
            icon=":material/grid_off:",
        )
    could_be = [column for column in proposal["columns"] if readings.unreadable(column)]
    asked = lines or any(said[one["name"]].kind in ("numeric", "datetime") for one in could_be)
    if not asked:
        return False
    return st.checkbox(
        "Count such cells as missing",
        key=f"unreadable {key}",
        help="Otherwise correct the file, or choose another kind for the column.",
    )


def _ask_target(proposal: DatasetProposal, said: Mapping[str, Chosen], key: str) -> str:
    names = list(said)
    proposed = proposal.get("target")
    target: str = st.selectbox(
        "Column to predict",
        names,
        names.index(proposed) if proposed in names else len(names) - 1,
        format_func=lambda name: said[name].name,
        key=f"target {key}",
    )
    return target


def _ask_task(
    proposal: DatasetProposal, said: Mapping[str, Chosen], target: str, key: str
) -> TaskDescription | None:
    tasks = {task["task"]: task for task in known_tasks() if task.get("takes", "rows") == "rows"}
    likely = columns.likely_task(list(tasks.values()), proposal, said, target)
    names = list(tasks)
    # For another target, or another kind of it, the choice starts afresh.
    name = st.selectbox(
        "Task",
        names,
        names.index(likely["task"]) if likely else None,
        format_func=lambda name: f"{tasks[name]['label']}: {tasks[name]['meaning']}",
        placeholder="None of them suits these columns",
        key=f"task {key} {target} {likely and likely['task']}",
    )
    return tasks[name] if name else None


def _show_target(column: ProposedColumn, answer: Literal["label", "value"]) -> None:
    counts = column["counts"]
    if answer == "label" and counts:
        total, rarest = sum(counts.values()), min(counts.values())
        st.markdown(
            f"**{plural(len(counts), 'class', 'classes')}**; the rarest has {number(rarest)} of "
            f"{plural(total, 'row')}."
        )
        st.altair_chart(
            charts.classes(counts), alt=listing([f"{name}: {times}" for name, times in counts.items()])
        )
    elif answer == "value" and column.get("minimum") is not None:
        figures = {"Minimum": column["minimum"], "Mean": column["mean"], "Maximum": column["maximum"]}
        show_facts({name: number(value) for name, value in figures.items()})
    else:
        st.caption(f"{plural(column['distinct'], 'different value')}.")


def _ask_preparation(task: TaskDescription | None, key: str) -> dict[str, Any]:
    choices = list(task.get("preparation", [])) if task else []
    if not any(choice["name"] == _DROP_DUPLICATES["name"] for choice in choices):
        choices.append(_DROP_DUPLICATES)
    with st.expander("Preparation", icon=":material/cleaning_services:"):
        st.caption("What is done to the rows before training. The defaults suit most tables.")
        return different(
            choices, ask_declared(choices, f"preparation {key} {task['task'] if task else None}")
        )


def _confirm(dataset: str, confirmation: dict[str, Any], places: Mapping[str, DeltaGenerator]) -> None:
    try:
        signed_in.gateway().confirm_dataset(dataset, confirmation)
    except SignedOut:
        raise
    except GatewayError as error:
        show_beside(error, places)
    else:
        st.rerun()

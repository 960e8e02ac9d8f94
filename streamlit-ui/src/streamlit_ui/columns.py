"""The columns of an uploaded file: from the proposal to a table that people correct, and back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

import pandas as pd

from streamlit_ui import readings
from streamlit_ui.contract.names import Kind
from streamlit_ui.contract.types import DatasetProposal, DatasetWarning, ProposedColumn, TaskDescription
from streamlit_ui.text import number, shorten

KINDS: dict[Kind, str] = {
    "numeric": "Number",
    "categorical": "Category",
    "text": "Free text",
    "datetime": "Date or time",
    "identifier": "Identifier, left out",
    "ignored": "Left out",
}
_BY_LABEL: dict[str, Kind] = {label: kind for kind, label in KINDS.items()}
INPUT_KINDS: tuple[Kind, ...] = ("numeric", "categorical", "text", "datetime")
FEW = 20
"""A numeric target with more distinct values is a quantity, not a class: so says the contract of a task."""
ABOUT_THE_TARGET = ("imbalance", "leakage", "target-missing")
"""Data-quality warnings that hold for the proposed target only."""
_REMEDIES = {"duplicates": " The preparation below can leave them out."}
_EXAMPLES, _EXAMPLE_CHARACTERS = 3, 40


@dataclass(frozen=True)
class Chosen:
    """What somebody chose for a column."""

    name: str
    kind: Kind
    read_as: str | None = None
    """How its cells are read, in words."""
    marks: tuple[str, ...] | None = None
    """Its texts that stand for a missing value."""
    nullable: bool | None = None
    """Whether predictions may leave it out."""


def table(proposal: DatasetProposal) -> pd.DataFrame:
    """Return the columns as the table that a person edits, one row each."""
    columns = proposal["columns"]
    return pd.DataFrame(
        {
            "Column": [column["name"] for column in columns],
            "Name": [_proposed(column).name for column in columns],
            "Kind": [KINDS[_proposed(column).kind] for column in columns],
            "Read as": [_proposed(column).read_as for column in columns],
            "Marks of missing": [list(_proposed(column).marks or ()) for column in columns],
            "May be missing": [bool(_proposed(column).nullable) for column in columns],
            "Why": [readings.without_codes(column.get("reason", "")) for column in columns],
            "Missing": [_missing(column, proposal["rows"]) for column in columns],
            "Distinct": [number(column.get("distinct")) for column in columns],
            "Examples": [examples(column) for column in columns],
        }
    )


def chosen(proposal: DatasetProposal, edited: pd.DataFrame) -> dict[str, Chosen]:
    """Return what the edited table says of each column, by the column's name in the file."""
    said: dict[str, Chosen] = {}
    for column, row in zip(proposal["columns"], edited.to_dict("records"), strict=True):
        proposed = _proposed(column)
        # An emptied cell is neither a name nor a kind: the column keeps what it had.
        renamed = row["Name"].strip() if isinstance(row["Name"], str) else ""
        marks = row["Marks of missing"]
        said[column["name"]] = Chosen(
            renamed or column["name"],
            _BY_LABEL.get(row["Kind"], proposed.kind),
            row["Read as"] if isinstance(row["Read as"], str) else proposed.read_as,
            tuple(map(str, marks)) if isinstance(marks, list) else (),
            bool(row["May be missing"]),
        )
    return said


def changes(
    proposal: DatasetProposal, said: Mapping[str, Chosen], *, drop_unreadable: bool = False
) -> dict[str, dict[str, Any]]:
    """Return what differs from the proposal; the rest stays as proposed.

    `drop_unreadable`: cells that cannot be read as the others of their column count as missing.
    """
    found: dict[str, dict[str, Any]] = {}
    for column in proposal["columns"]:
        proposed, now = _proposed(column), said[column["name"]]
        changed: dict[str, Any] = {}
        if now.kind != proposed.kind:
            changed["kind"] = now.kind
        if now.name != proposed.name:
            changed["name"] = now.name
        if now.read_as != proposed.read_as:
            changed |= readings.said(column, now.read_as)
        if now.marks != proposed.marks:
            changed["missing"] = readings.marks(column, now.marks or ())
        if now.nullable != proposed.nullable:
            changed["nullable"] = now.nullable
        if drop_unreadable and readings.unreadable(column):
            changed["unreadable"] = "missing"
        if changed:
            found[column["name"]] = changed
    return found


def likely_task(
    tasks: Sequence[TaskDescription], proposal: DatasetProposal, said: Mapping[str, Chosen], target: str
) -> TaskDescription | None:
    """Return the task that suits the values of a target and the kinds of the other columns, if one does.

    A task that names the kinds of its inputs is more particular than one that takes any, and goes first.
    """
    facts = next(column for column in proposal["columns"] if column["name"] == target)
    number = said[target].kind == "numeric" and facts["type"] in ("integer", "number")
    of = "quantity" if number and facts["distinct"] > FEW else "classes"
    inputs = sorted(one.kind for name, one in said.items() if name != target and one.kind in INPUT_KINDS)
    suiting = [
        (not suits.get("inputs"), task)
        for task in tasks
        if (suits := task["suits"])
        and suits["target"] == of
        and sorted(suits.get("inputs") or inputs) == inputs
    ]
    suiting.sort(key=lambda found: found[0])
    return suiting[0][1] if suiting else None


def warnings_for(proposal: DatasetProposal, target: str | None) -> list[str]:
    """Return the data-quality warnings as sentences, without those about a target that is not chosen."""
    return [
        sentence(warning) + _REMEDIES.get(warning["code"], "")
        for warning in proposal.get("warnings") or []
        if target == proposal.get("target") or warning["code"] not in ABOUT_THE_TARGET
    ]


def sentence(warning: DatasetWarning) -> str:
    """Return a warning with the column it is about."""
    message = readings.without_codes(warning["message"])
    if warning["code"] == "duplicates":
        # The message names a field of the API; on a page that is a checkbox.
        message = message.split(";")[0] + "."
    return f"{warning['column']}: {message}" if warning["column"] else message


def examples(column: ProposedColumn) -> str:
    """Return the first values of a column in one line."""
    shown: Sequence[Any] = (column.get("examples") or [])[:_EXAMPLES]
    return " · ".join(shorten(" ".join(str(value).split()), _EXAMPLE_CHARACTERS) for value in shown)


def _proposed(column: ProposedColumn) -> Chosen:
    kind = column["kind"] if column["kind"] in get_args(Kind) else "ignored"
    nullable = column.get("nullable")
    return Chosen(
        column.get("renamed") or column["name"],
        kind,
        readings.label(column.get("reading")),
        readings.proposed_marks(column),
        bool(column.get("missing")) if nullable is None else nullable,
    )


def _missing(column: ProposedColumn, rows: int) -> str:
    missing = column.get("missing") or 0
    return f"{number(missing)} ({missing / rows:.0%})" if missing and rows else number(missing)

"""What a person confirms of a dataset, checked against the proposal: every wrong field at once."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from data_processor.datasets.choosing import Chosen, UnsuitableError, choose
from data_processor.datasets.confirmed import (
    ColumnConfirmation,
    Confirmed,
    ConfirmedColumn,
    SchemaConfirmation,
    field_error,
    place_of,
    unknown_column,
)
from data_processor.datasets.holdout_choice import chosen_holdout
from data_processor.datasets.rare_classes import rare_problem
from data_processor.datasets.target_choice import chosen_task, task_problems
from data_processor.features.schema import INPUT_KINDS, Kind, Schema
from data_processor.service.errors import FieldError, Invalid


def confirm(asked: SchemaConfirmation, proposal: Mapping[str, Any], used: Schema | None) -> Confirmed:
    """Return what is to be stored; `used` is what models already rely on. Raises `Invalid`."""
    proposed = {column["name"]: column for column in proposal["columns"]}
    kinds = {name: _kind(column, asked.columns.get(name)) for name, column in proposed.items()}
    errors: list[FieldError] = []
    columns: dict[str, ConfirmedColumn] = {}
    known: dict[str, Mapping[str, Any]] = {}
    for name, column in proposed.items():
        said = asked.columns.get(name) or ColumnConfirmation()
        columns[name], known[name] = _column(column, kinds[name], said, errors)
    target = place_of(asked.target, columns)
    holdout, group, wrong = chosen_holdout(asked.holdout, columns, known, target)
    said_of_group = asked.columns.get(group or "") or ColumnConfirmation()
    if group is not None and said_of_group.kind is None:
        columns[group], known[group] = _column(proposed[group], "identifier", said_of_group, [])
    errors += _column_errors(asked, columns, known) + wrong
    if target is None:
        errors.append(field_error(unknown_column(asked.target, known), "target"))
        raise Invalid("The dataset was not stored.", errors=errors)
    inputs = {
        name: column.kind for name, column in columns.items() if column.kind in INPUT_KINDS and name != target
    }
    if not inputs:
        message = "Every column except the target is left out: a model needs at least one input."
        errors.append(field_error(message, "columns"))
    task = chosen_task(asked.task, columns[target], known[target], inputs)
    errors += task_problems(task, columns[target], known[target], inputs)
    if task.description.answer == "label" and (
        rare := rare_problem(known[target].get("counts") or {}, asked.preparation)
    ):
        errors.append(field_error(rare[0], "preparation", "rare_classes", rare[1]))
    confirmed = Confirmed(
        target=columns[target].name,
        task=task.description.task,
        columns=columns,
        preparation=asked.preparation,
        holdout=holdout,
    )
    if used is not None:
        errors += _broken(used, confirmed)
    if errors:
        raise Invalid("The dataset was not stored.", errors=errors)
    return confirmed


def _kind(proposed: Mapping[str, Any], asked: ColumnConfirmation | None) -> Kind:
    kind: Kind = (asked.kind if asked else None) or proposed["kind"]
    return kind


def _column(
    proposed: Mapping[str, Any], kind: Kind, said: ColumnConfirmation, errors: list[FieldError]
) -> tuple[ConfirmedColumn, Mapping[str, Any]]:
    """Return a column as it is to be stored, and its facts when it is read so; note what is wrong with it."""
    name = said.name or proposed.get("renamed") or proposed["name"]
    try:
        chosen = choose(
            proposed,
            kind,
            missing=said.missing,
            decimal=said.decimal,
            form=said.format,
            unreadable=said.unreadable,
        )
    except UnsuitableError as error:
        errors.append(field_error(str(error), "columns", proposed["name"], error.field))
        chosen = Chosen(None, proposed)
    if said.nullable is False and chosen.facts["missing"]:
        message = f"{chosen.facts['missing']} of its values are missing, so it may be missing."
        errors.append(field_error(message, "columns", proposed["name"], "nullable"))
    column = ConfirmedColumn(
        name=name.strip(),
        kind=kind,
        reading=chosen.reading,
        nullable=said.nullable if said.nullable is not None else proposed.get("nullable"),
        unreadable=said.unreadable,
    )
    return column, chosen.facts


def _column_errors(
    asked: SchemaConfirmation, columns: Mapping[str, ConfirmedColumn], known: Mapping[str, Any]
) -> list[FieldError]:
    """Return what is wrong with the columns, whichever of them is the target."""
    unknown = sorted(asked.columns.keys() - known.keys())
    errors = [field_error(unknown_column(name, known), "columns", name) for name in unknown]
    for name, times in Counter(column.name for column in columns.values()).items():
        if times > 1:
            message = f"{times} columns would be called {name!r}: give each a different name."
            errors.append(field_error(message, "columns", name))
    for name, column in columns.items():
        if column.name.startswith("loopkeeper:"):
            message = f"The name {column.name!r} is reserved for the platform: choose another."
            errors.append(field_error(message, "columns", name, "name"))
        if problem := _kind_problem(column.kind, known[name]):
            errors.append(field_error(problem, "columns", name, "kind"))
    return errors


def _kind_problem(kind: Kind, facts: Mapping[str, Any]) -> str | None:
    if kind in INPUT_KINDS and facts["distinct"] == 0:
        return "Every value is missing: it can only be ignored."
    return None


def _broken(used: Schema, confirmed: Confirmed) -> list[FieldError]:
    """Return what models that rely on a schema would miss in the new one."""
    before = {column.name: column.kind for column in used.inputs}
    after = {
        column.name: column.kind
        for column in confirmed.columns.values()
        if column.kind in INPUT_KINDS and column.name != confirmed.target
    }
    errors: list[FieldError] = []
    if confirmed.target != used.target:
        message = (
            f"A model on this dataset predicts {used.target!r}: keep that target, or upload another dataset."
        )
        errors.append(field_error(message, "target"))
    for name in sorted(before.keys() | after.keys()):
        if before.get(name) == after.get(name):
            continue
        was, is_ = before.get(name, "not an input"), after.get(name, "missing or left out")
        message = f"For a model on this dataset {name!r} is {was}, but here it is {is_}: make them the same."
        errors.append(field_error(message, "columns", name))
    return errors

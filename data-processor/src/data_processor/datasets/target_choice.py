"""What is to be predicted, and by which task: what a person chose, checked against the column's values."""

from collections.abc import Mapping
from typing import Any

from data_processor.datasets.choosing import NUMERIC_TYPES
from data_processor.datasets.confirmed import ConfirmedColumn, field_error
from data_processor.features.schema import Kind
from data_processor.service.errors import FieldError, Invalid
from data_processor.tasks.registry import UnknownTaskError, likely_task, row_task_of
from data_processor.tasks.task import RowTask, Target

TARGET_KINDS: tuple[Kind, ...] = ("categorical", "numeric")


def chosen_task(
    asked: str | None, column: ConfirmedColumn, facts: Mapping[str, Any], inputs: Mapping[str, Kind]
) -> RowTask:
    """Return the task that is asked for, else the one that is probably meant; raises `Invalid`."""
    if asked is None:
        return likely_task(_as_target(column, facts), inputs)
    try:
        return row_task_of(asked)
    except UnknownTaskError as error:
        raise Invalid("The dataset was not stored.", errors=[field_error(str(error), "task")]) from error


def task_problems(
    task: RowTask, column: ConfirmedColumn, facts: Mapping[str, Any], inputs: Mapping[str, Kind]
) -> list[FieldError]:
    """Return what keeps the target from being predicted, and the inputs from being learnt from."""
    target = _as_target(column, facts)
    errors = []
    if problem := _unusable_target(target, facts) or task.target_problem(target):
        errors.append(field_error(problem, "target"))
    for message, name, field in task.input_problems(inputs, target):
        where = ["target"] if name is None else ["columns", *filter(None, (name, field))]
        errors.append(field_error(message, *where))
    return errors


def _as_target(column: ConfirmedColumn, facts: Mapping[str, Any]) -> Target:
    return Target(column.name, column.kind, facts["type"] in NUMERIC_TYPES, facts["distinct"])


def _unusable_target(target: Target, facts: Mapping[str, Any]) -> str | None:
    """Say what keeps a column from being predicted, whatever the task."""
    if target.distinct < 2:  # noqa: PLR2004  # nothing to predict
        found = f"only the value {facts['examples'][0]!r}" if target.distinct else "no value"
        marks = ", ".join(f"{mark!r} ({times} rows)" for mark, times in (facts.get("marks") or {}).items())
        missing = (
            f" Missing are {marks}: if one is a class, list its missing marks without it." if marks else ""
        )
        return (
            f"The target {target.name!r} has {found}: there is nothing to predict. Choose another "
            f"column.{missing}"
        )
    if target.kind not in TARGET_KINDS:
        return (
            f"The target {target.name!r} is {target.kind}: make it categorical or numeric, or choose another "
            "target."
        )
    return None

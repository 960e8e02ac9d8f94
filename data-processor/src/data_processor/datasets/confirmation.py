"""What a person confirms of a dataset, checked against the proposal: every wrong field at once."""

from collections import Counter
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from data_processor.datasets.choosing import NUMERIC_TYPES, Chosen, UnsuitableError, choose
from data_processor.datasets.rare_classes import rare_problem
from data_processor.features.numerals import Mark
from data_processor.features.preparation import DatasetPreparation
from data_processor.features.reading import LONGEST_MARK, MOST_MARKS, Reading
from data_processor.features.schema import INPUT_KINDS, Holdout, Kind, Schema
from data_processor.service.errors import FieldError, Invalid
from data_processor.statistics.clusters import FEWEST_GROUPS
from data_processor.tasks.registry import UnknownTaskError, likely_task, task_of
from data_processor.tasks.task import Target, Task

TARGET_KINDS: tuple[Kind, ...] = ("categorical", "numeric")
TIME_TYPES = ("integer", "number", "datetime")
FEWEST_TIMES = 10
"""Different times that it takes to hold some out, to choose by some, and to fit on the others."""


class ColumnConfirmation(BaseModel):
    """What one column is."""

    model_config = ConfigDict(extra="forbid")

    kind: Kind | None = Field(None, description="If left out, as proposed.")
    name: str | None = Field(
        None,
        min_length=1,
        max_length=200,
        pattern=r"^[^\x00-\x1f]+$",
        description="A new name for the column.",
    )
    missing: list[Annotated[str, Field(max_length=LONGEST_MARK)]] | None = Field(
        None,
        max_length=MOST_MARKS,
        description="The texts that stand for a missing value, besides the empty one and nan; [] for none. "
        "If left out, as proposed.",
    )
    nullable: bool | None = Field(
        None, description="Whether predictions may leave it out. If left out: whether the file does."
    )
    decimal: Mark | None = Field(None, description="The decimal mark of its numbers, as one of `readings`.")
    format: str | None = Field(
        None, max_length=60, description="The format of its dates, as one of `readings`."
    )
    unreadable: Literal["refuse", "missing"] = Field(
        "refuse", description="What cells are that cannot be read as the others: a mistake, or missing."
    )


class SchemaConfirmation(BaseModel):
    """What a dataset's columns are, and which of them is to be predicted."""

    model_config = ConfigDict(extra="forbid")

    target: str = Field(max_length=200, description="The column to predict, by its old or its new name.")
    columns: dict[str, ColumnConfirmation] = Field(
        {}, max_length=1000, description="By the name in the proposal; columns left out stay as proposed."
    )
    task: str | None = Field(
        None, description="If left out, it follows from the target's values and the inputs' kinds."
    )
    preparation: DatasetPreparation = DatasetPreparation()
    holdout: Holdout = Field(
        Holdout(),
        description="What decides which rows are held out: single rows, the groups in a column (an engine, a "
        "patient), or the time in one. Columns go by their old or their new names. The group is no input "
        "unless its column's kind is given.",
    )


class ConfirmedColumn(BaseModel):
    """One column as it is stored."""

    name: str
    kind: Kind
    reading: Reading | None = None
    """How its cells are read; none where it was confirmed before there were readings."""
    nullable: bool | None = None
    """Whether predictions may leave it out; none: whether the file does."""
    unreadable: Literal["refuse", "missing"] = "refuse"


class Confirmed(BaseModel):
    """What is stored: every column of the file, by its name there."""

    target: str
    """By its new name."""
    task: str | None
    columns: dict[str, ConfirmedColumn]
    preparation: DatasetPreparation
    holdout: Holdout = Holdout()
    """With the columns' new names; what was confirmed before it could be chosen goes by rows."""


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
    target = _target(asked.target, columns)
    holdout, group, wrong = _holdout(asked.holdout, columns, known, target)
    said_of_group = asked.columns.get(group or "") or ColumnConfirmation()
    if group is not None and said_of_group.kind is None:
        columns[group], known[group] = _column(proposed[group], "identifier", said_of_group, [])
    errors += _column_errors(asked, columns, known) + wrong
    if target is None:
        errors.append(_error(_unknown(asked.target, known), "target"))
        raise Invalid("The dataset was not stored.", errors=errors)
    inputs = {
        name: column.kind for name, column in columns.items() if column.kind in INPUT_KINDS and name != target
    }
    if not inputs:
        message = "Every column except the target is left out: a model needs at least one input."
        errors.append(_error(message, "columns"))
    task = _task(asked.task, columns[target], known[target], inputs)
    errors += _task_problems(task, columns[target], known[target], inputs)
    if task.description.answer == "label" and (
        rare := rare_problem(known[target].get("counts") or {}, asked.preparation)
    ):
        errors.append(_error(rare[0], "preparation", "rare_classes", rare[1]))
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
        errors.append(_error(str(error), "columns", proposed["name"], error.field))
        chosen = Chosen(None, proposed)
    if said.nullable is False and chosen.facts["missing"]:
        message = f"{chosen.facts['missing']} of its values are missing, so it may be missing."
        errors.append(_error(message, "columns", proposed["name"], "nullable"))
    column = ConfirmedColumn(
        name=name.strip(),
        kind=kind,
        reading=chosen.reading,
        nullable=said.nullable if said.nullable is not None else proposed.get("nullable"),
        unreadable=said.unreadable,
    )
    return column, chosen.facts


def _holdout(
    asked: Holdout,
    columns: Mapping[str, ConfirmedColumn],
    known: Mapping[str, Any],
    target: str | None,
) -> tuple[Holdout, str | None, list[FieldError]]:
    """Return what is held out, by the columns' new names; the group's name in the file; what is wrong."""
    errors: list[FieldError] = []
    if asked.by == "row":
        given = [field for field in ("column", "time") if getattr(asked, field) is not None]
        errors += [
            _error("is for groups and times: leave it out by rows", "holdout", field) for field in given
        ]
        return Holdout(), None, errors
    if asked.by == "time" and asked.time is not None:
        errors.append(_error("is for groups: by time the field column names the time", "holdout", "time"))
    if asked.column is None:
        errors.append(_error(f"is missing: name the column that holds the {asked.by}", "holdout", "column"))
        return asked, None, errors
    found: dict[str, str] = {}
    roles = {"column": asked.groups, "time": None} if asked.by == "group" else {"column": None}
    for field, is_group in roles.items():
        name = getattr(asked, field)
        if name is None:
            continue
        place = _target(name, columns)
        if place is None:
            problem: str | None = _unknown(name, known)
        elif place == target:
            problem = f"{name!r} is the target: it cannot decide what is held out. Choose another column."
        else:
            found[field] = place
            problem = (
                _group_problem(known[place]) if is_group else _time_problem(known[place], columns[place].kind)
            )
        if problem:
            errors.append(_error(problem, "holdout", field))
    names = {field: columns[place].name for field, place in found.items()}
    group = found.get("column") if asked.by == "group" else None
    return asked.model_copy(update=names), group, errors


def _group_problem(facts: Mapping[str, Any]) -> str | None:
    name, distinct = facts["name"], facts["distinct"]
    if distinct < FEWEST_GROUPS:
        return (
            f"{name!r} has {distinct} different values, and nothing can be proved with fewer than "
            f"{FEWEST_GROUPS} groups: choose another column, or hold out single rows."
        )
    return None


def _time_problem(facts: Mapping[str, Any], kind: Kind) -> str | None:
    name = facts["name"]
    if facts["type"] == "datetime" and kind != "datetime":
        return f"{name!r} holds dates, and is to be {kind}: make it a date, so that its order is known."
    if facts["type"] not in TIME_TYPES:
        example = facts["examples"][0] if facts["examples"] else None
        return f"{name!r} contains {example!r}, which is neither a date nor a number: choose another column."
    if facts["distinct"] < FEWEST_TIMES:
        return (
            f"{name!r} has {facts['distinct']} different times; it takes at least {FEWEST_TIMES} to fit on "
            "some and compare on later ones. Choose another column, or hold out single rows."
        )
    return None


def _column_errors(
    asked: SchemaConfirmation, columns: Mapping[str, ConfirmedColumn], known: Mapping[str, Any]
) -> list[FieldError]:
    """Return what is wrong with the columns, whichever of them is the target."""
    unknown = sorted(asked.columns.keys() - known.keys())
    errors = [_error(_unknown(name, known), "columns", name) for name in unknown]
    for name, times in Counter(column.name for column in columns.values()).items():
        if times > 1:
            message = f"{times} columns would be called {name!r}: give each a different name."
            errors.append(_error(message, "columns", name))
    for name, column in columns.items():
        if column.name.startswith("loopkeeper:"):
            message = f"The name {column.name!r} is reserved for the platform: choose another."
            errors.append(_error(message, "columns", name, "name"))
        if problem := _kind_problem(column.kind, known[name]):
            errors.append(_error(problem, "columns", name, "kind"))
    return errors


def _error(message: str, *loc: str) -> FieldError:
    return {"loc": ["body", *loc], "message": message}


def _unknown(name: str, known: Mapping[str, Any]) -> str:
    return f"There is no column {name!r}; there are {_listed(list(known))}."


def _target(asked: str, columns: Mapping[str, ConfirmedColumn]) -> str | None:
    if asked in columns:
        return asked
    return next((name for name, column in columns.items() if column.name == asked), None)


def _kind_problem(kind: Kind, facts: Mapping[str, Any]) -> str | None:
    if kind in INPUT_KINDS and facts["distinct"] == 0:
        return "Every value is missing: it can only be ignored."
    return None


def _task(
    asked: str | None, column: ConfirmedColumn, facts: Mapping[str, Any], inputs: Mapping[str, Kind]
) -> Task:
    """Return the task that is asked for, else the one that is probably meant; raises `Invalid`."""
    if asked is None:
        return likely_task(_as_target(column, facts), inputs)
    try:
        return task_of(asked)
    except UnknownTaskError as error:
        raise Invalid("The dataset was not stored.", errors=[_error(str(error), "task")]) from error


def _task_problems(
    task: Task, column: ConfirmedColumn, facts: Mapping[str, Any], inputs: Mapping[str, Kind]
) -> list[FieldError]:
    """Return what keeps the target from being predicted, and the inputs from being learnt from."""
    target = _as_target(column, facts)
    errors = []
    if problem := _unusable_target(target, facts) or task.target_problem(target):
        errors.append(_error(problem, "target"))
    for message, name, field in task.input_problems(inputs, target):
        where = ["target"] if name is None else ["columns", *filter(None, (name, field))]
        errors.append(_error(message, *where))
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
        errors.append(_error(message, "target"))
    for name in sorted(before.keys() | after.keys()):
        if before.get(name) == after.get(name):
            continue
        was, is_ = before.get(name, "not an input"), after.get(name, "missing or left out")
        message = f"For a model on this dataset {name!r} is {was}, but here it is {is_}: make them the same."
        errors.append(_error(message, "columns", name))
    return errors


def _listed(names: list[str], most: int = 10) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(map(repr, names[:most])) + more

"""What a person chose to decide which rows are held out, checked against the columns of the file."""

from collections.abc import Mapping
from typing import Any

from data_processor.datasets.confirmed import ConfirmedColumn, field_error, place_of, unknown_column
from data_processor.features.schema import Holdout, Kind
from data_processor.service.errors import FieldError
from data_processor.statistics.clusters import FEWEST_GROUPS

TIME_TYPES = ("integer", "number", "datetime")
FEWEST_TIMES = 10
"""Different times that it takes to hold some out, to choose by some, and to fit on the others."""


def chosen_holdout(
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
            field_error("is for groups and times: leave it out by rows", "holdout", field) for field in given
        ]
        return Holdout(), None, errors
    if asked.by == "time" and asked.time is not None:
        errors.append(
            field_error("is for groups: by time the field column names the time", "holdout", "time")
        )
    if asked.column is None:
        errors.append(
            field_error(f"is missing: name the column that holds the {asked.by}", "holdout", "column")
        )
        return asked, None, errors
    found: dict[str, str] = {}
    roles = {"column": asked.groups, "time": None} if asked.by == "group" else {"column": None}
    for field, is_group in roles.items():
        name = getattr(asked, field)
        if name is None:
            continue
        place = place_of(name, columns)
        if place is None:
            problem: str | None = unknown_column(name, known)
        elif place == target:
            problem = f"{name!r} is the target: it cannot decide what is held out. Choose another column."
        else:
            found[field] = place
            problem = (
                _group_problem(known[place]) if is_group else _time_problem(known[place], columns[place].kind)
            )
        if problem:
            errors.append(field_error(problem, "holdout", field))
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

"""Hyperparameters and preparation choices as the API declares them: what their fields show and take."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from streamlit_ui.contract.types import Hyperparameter, TaskDescription
from streamlit_ui.text import number, power_of_ten, title

_RANGE = re.compile(r"^(\d+)-(\d+)$")


def label(declaration: Hyperparameter) -> str:
    """Return the name of a field."""
    return declaration.get("title") or title(declaration["name"])


def help_text(declaration: Hyperparameter) -> str:
    """Return what a choice does and its range."""
    said = [(declaration.get("help") or "").strip()]
    low, high = declaration.get("low"), declaration.get("high")
    if declaration["kind"] in ("number", "integer") and low is not None and high is not None:
        said.append(f"From {number(low)} to {number(high)}.")
    if declaration.get("log"):
        said.append("On a logarithmic scale.")
    if declaration.get("nullable") and declaration["kind"] in ("number", "integer"):
        said.append("May be left empty.")
    return " ".join(part for part in said if part)


def step(declaration: Hyperparameter) -> float:
    """Return the amount by which one click changes a number."""
    if declaration["kind"] == "integer":
        return 1
    low, high = declaration.get("low"), declaration.get("high")
    if declaration.get("log"):
        default = declaration["default"]
        return power_of_ten(abs((default if isinstance(default, int | float) else 0) or low or 1.0))
    width = (high or 0) - (low or 0)
    return power_of_ten(width / 10) if width / 10 > 0 else 0.1


def options(declaration: Hyperparameter) -> list[Any]:
    """Return the choices, with an empty one first where that is allowed."""
    choices = list(declaration.get("choices") or [])
    return [None, *choices] if declaration.get("nullable") and None not in choices else choices


def shown(value: Any) -> str:
    """Return one of the choices in words: `own-category` → `Own category`."""
    if value is None:
        return "None"
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, int | float):
        return number(value)
    if isinstance(value, list | tuple):
        return " to ".join(map(str, value))
    between = _RANGE.match(str(value))
    return " to ".join(between.groups()) if between else title(str(value))


def different(declarations: Iterable[Hyperparameter], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values that differ from their default."""
    return {
        one["name"]: values[one["name"]]
        for one in declarations
        if one["name"] in values and values[one["name"]] != one.get("default")
    }


def task_named(tasks: Iterable[TaskDescription], name: str | None) -> TaskDescription | None:
    """Return the description of a task, if there is one."""
    return next((task for task in tasks if task["task"] == name), None)

"""A form for one input row, made from a model's JSON Schema: a new model needs no new page."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Literal, get_args

from streamlit_ui.text import number, power_of_ten, titles

Kind = Literal["numeric", "categorical", "text", "datetime"]
_KINDS: dict[str, Kind] = {kind: kind for kind in get_args(Kind)}


@dataclass(frozen=True)
class Field:
    """One input of a model."""

    name: str
    kind: Kind
    label: str
    required: bool = False
    """It may not be left empty."""
    integer: bool = False
    minimum: float | None = None
    """The smallest value in training: a hint, not a limit."""
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    """The categories in training, most frequent first."""
    default: float | int | str | None = None
    description: str = ""
    source: str = ""
    """What the training file calls it, if that is another name."""

    @property
    def help(self) -> str:
        """What may be entered."""
        said = [self.description.rstrip(".") + "." if self.description else ""]
        if self.minimum is not None and self.maximum is not None:
            said.append(f"In training: {number(self.minimum)} to {number(self.maximum)}.")
        if self.choices:
            said.append(f"In training: {number(len(self.choices))} different values.")
        said.append("Required." if self.required else "May be left empty.")
        return " ".join(part for part in said if part)

    @property
    def step(self) -> float | int:
        """The amount by which one click changes a number: about a hundredth of its range."""
        if self.integer:
            return 1
        width = (self.maximum or 0) - (self.minimum or 0)
        sound = width / 10 > 0 and math.isfinite(width)  # the smallest numbers have no tenth
        return power_of_ten(width / 10) if sound else 0.1


def fields(schema: Mapping[str, Any]) -> list[Field]:
    """Return the fields of a model's schema, in its order."""
    required = set(schema.get("required", ()))
    properties = schema.get("properties", {})
    labels = titles(properties)
    return [_field(name, properties[name], labels[name], name in required) for name in properties]


def row(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was entered as one input: empty becomes null, a date its RFC 3339 form."""
    return {name: _value(value) for name, value in values.items()}


def _field(name: str, described: Mapping[str, Any], label: str, required: bool) -> Field:
    kinds = described.get("type", "string")
    kinds = {kinds} if isinstance(kinds, str) else set(kinds)
    numeric = bool(kinds & {"number", "integer"})
    guess: Kind = "numeric" if numeric else "categorical" if described.get("examples") else "text"
    kind = _KINDS.get(described.get("x-kind", ""), guess)
    integer = "number" not in kinds and "integer" in kinds
    return Field(
        name=name,
        kind=kind,
        label=described.get("title") or label,
        required=required,
        integer=integer,
        minimum=described.get("x-minimum"),
        maximum=described.get("x-maximum"),
        choices=tuple(map(str, described.get("examples", ()))) if kind == "categorical" else (),
        default=_default(described.get("default"), numeric=kind == "numeric", integer=integer),
        description=described.get("description", ""),
        source=described.get("x-source", ""),
    )


def _default(value: Any, *, numeric: bool, integer: bool) -> float | int | str | None:
    if value is None or not numeric:
        return None if value is None else str(value)
    if isinstance(value, int | float) and math.isfinite(value):
        return round(value) if integer else float(value)
    return None


def _value(value: Any) -> Any:
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).isoformat()
    return value.isoformat() if isinstance(value, date) else value

"""What a model takes: its columns, their kinds and what training saw of them."""

import re
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from data_processor.features.reading import Reading

Kind = Literal["numeric", "categorical", "text", "datetime", "identifier", "ignored"]
INPUT_KINDS: tuple[Kind, ...] = ("numeric", "categorical", "text", "datetime")


_UNNAMED = re.compile(r"Unnamed: \d+(_level_\d+)?")
"""What pandas calls a column whose name is empty."""


def is_unnamed(name: str) -> bool:
    """Say whether a name is none: of row labels, or of what stands behind a trailing separator."""
    return not name or _UNNAMED.fullmatch(name) is not None


MOST_EXAMPLES = 1000
"""Categories that a JSON Schema lists, the most frequent ones; of more, it says how many there are."""


class Column(BaseModel):
    """One column of a table."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, validate_by_name=True, validate_by_alias=True, serialize_by_alias=True
    )

    name: str
    kind: Kind
    nullable: bool = True
    minimum: float | None = None
    """Numeric: the smallest value in training."""
    maximum: float | None = None
    """Numeric: the largest value in training."""
    integer: bool = False
    """Numeric: every value in training was whole."""
    offset: float = 0.0
    """Numeric: subtracted in 64 bits before the value is cut to 32 (`features/precision.py`)."""
    categories: tuple[str, ...] = ()
    """Categorical: the values in training, most frequent first."""
    default_value: float | str | None = Field(None, alias="typical")
    """The median, the most frequent value or the last timestamp: where a form starts. Kept as `typical`."""
    calendar: tuple[str, ...] = ()
    """Datetime: what a model sees of a timestamp (`features/calendar.py`); older versions see none of it."""
    description: str = ""
    reading: Reading | None = None
    """How its cells are read (`features/reading.py`); none for tables from before there were readings."""
    source: str | None = None
    """What the uploaded file calls it, if that is another name: rows may be sent by either."""


class Holdout(BaseModel):
    """What decides which rows a model never sees: each row's inputs, its group, or when it was."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    by: Literal["row", "group", "time"] = "row"
    column: str | None = None
    """The column that holds the group or the time; none by rows."""
    time: str | None = None
    """By group, where the rows follow each other too: the column that says which came first."""

    @property
    def groups(self) -> str | None:
        """The column whose values are groups, if they decide."""
        return self.column if self.by == "group" else None

    @property
    def times(self) -> str | None:
        """The column in whose order rows are fitted, if there is one."""
        return self.column if self.by == "time" else self.time


class Schema(BaseModel):
    """The columns of a table and which one is to be predicted."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    task: str
    """What kind of problem it is (`tasks/registry.py`)."""
    target: str
    columns: tuple[Column, ...]
    classes: tuple[str, ...] = ()
    """Classification: every label, sorted. Regression: empty."""
    holdout: Holdout = Holdout()
    """What decides which rows are held out; schemas of before it could be chosen go by rows."""

    @property
    def inputs(self) -> tuple[Column, ...]:
        """The columns that a prediction needs, in table order."""
        return tuple(c for c in self.columns if c.kind in INPUT_KINDS and c.name != self.target)

    @property
    def beside(self) -> tuple[Column, ...]:
        """The columns of the group and the time that are no inputs: kept with a prediction, if sent."""
        names = {self.holdout.column, self.holdout.time} - {column.name for column in self.inputs}
        return tuple(column for column in self.columns if column.name in names)

    @property
    def numeric(self) -> tuple[Column, ...]:
        """The inputs packed into the numeric tensor, in this order."""
        return tuple(c for c in self.inputs if c.kind == "numeric")

    @property
    def timestamps(self) -> tuple[Column, ...]:
        """The inputs packed as calendar features into the numeric tensor, behind its numbers, in order."""
        return tuple(c for c in self.inputs if c.calendar)

    @property
    def precise(self) -> bool:
        """Whether the numeric tensor has 64 bits: one of its columns has an offset."""
        return any(c.offset for c in self.numeric)

    @property
    def width(self) -> int:
        """How many columns the numeric tensor has."""
        return len(self.numeric) + sum(len(c.calendar) for c in self.timestamps)

    @property
    def strings(self) -> tuple[Column, ...]:
        """The inputs packed into the string tensor, in this order."""
        return tuple(c for c in self.inputs if c.kind != "numeric" and not c.calendar)

    def json_schema(self) -> dict[str, Any]:
        """Return the JSON Schema (2020-12) of one input row, as clients and forms read it."""
        properties = {column.name: _property(column) for column in self.inputs}
        # What a client may send besides the inputs, so that feedback counts for its group, or at its time.
        together = (
            {} if self.holdout.by == "row" else {"x-holdout": self.holdout.model_dump(exclude_none=True)}
        )
        return {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "properties": properties,
            "required": [c.name for c in self.inputs if not c.nullable],
            "additionalProperties": False,
            **together,
        }


def _property(column: Column) -> dict[str, Any]:
    kind = "string" if column.kind != "numeric" else "integer" if column.integer else "number"
    described: dict[str, Any] = {"type": [kind, "null"] if column.nullable else kind}
    extra: Mapping[str, Any] = {
        "description": column.description,
        "default": column.default_value,
        # What training saw is a hint and not a limit: values outside are answered and flagged.
        "x-kind": column.kind,
        "x-minimum": column.minimum,
        "x-maximum": column.maximum,
        "x-source": column.source,
        # Its cells are true and false, whatever the words for them.
        "x-values": "boolean" if column.reading and column.reading.values == "boolean" else None,
        "examples": list(column.categories[:MOST_EXAMPLES]),
        "x-categories": len(column.categories) if len(column.categories) > MOST_EXAMPLES else None,
    }
    described.update({key: value for key, value in extra.items() if value not in (None, "", [])})
    return described

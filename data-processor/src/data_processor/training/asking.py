"""Whether rows of a dataset can be asked as they stand: as a request's JSON, read as `serve` reads it.

A request is made of them twice: as the native protocol sends them, and as the gateway makes one of tensors of
the Open Inference Protocol, where each column has the datatype that the model's metadata name.
"""

import json
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from data_processor.features.packing import Packed, pack
from data_processor.features.schema import Column, Schema
from data_processor.models.policy import Policy
from data_processor.runs.context import TaskError
from data_processor.service.errors import BadRequest, Invalid
from data_processor.serving.diagnosis import LARGEST_NUMBER, Limits
from data_processor.serving.validation import Validator
from data_processor.settings import Settings

if TYPE_CHECKING:
    import pandas as pd

ROWS = 200
"""Rows, evenly spaced, that are asked."""
SHOWN = 3
"""Refusals that a sentence quotes."""
AS_THEY_STAND, BY_TENSORS = "as they stand", "by tensors"


def read_as_served(
    frame: "pd.DataFrame",
    schema: Schema,
    policy: Policy,
    settings: Settings,
    warn: Callable[[str, Literal["warning"]], object],
) -> Packed:
    """Return some rows of a table, packed by way of a request; their number may be 0.

    Raises `TaskError` if the request is refused, or a number is read as another than in training; warns of
    texts that are. Rows that no request may carry, with longer texts or larger numbers, are not among them.
    """
    limits = Limits(settings.max_rows, settings.max_text_length)
    some = frame.iloc[np.unique(np.linspace(0, len(frame) - 1, min(ROWS, limits.max_rows)).astype(int))]
    rows = [_plain(row) for row in some[[column.name for column in schema.inputs]].to_dict("records")]
    keep = [all(_fits(value, limits) for value in row.values()) for row in rows]
    rows, some = [row for row, kept in zip(rows, keep, strict=True) if kept], some[keep]
    if not rows:
        return pack(some, schema)
    validator = Validator(schema, policy, limits)
    asked = _ask(validator, rows, AS_THEY_STAND)
    trained = pack(some, schema)
    of_tensors = [
        {column.name: _element(row[column.name], column) for column in schema.inputs} for row in rows
    ]
    for read, how in ((asked, AS_THEY_STAND), (_ask(validator, of_tensors, BY_TENSORS), BY_TENSORS)):
        if not np.array_equal(read.numeric, trained.numeric, equal_nan=True):
            raise TaskError(
                f"Numbers of the dataset are read differently in a request {how} than in training."
            )
    if names := _others(asked, trained, schema):
        warn(f"A request reads some texts of {names} differently than training did.", "warning")
    return asked


def _ask(validator: Validator, inputs: list[dict[str, Any]], how: str) -> Packed:
    """Return the inputs of a request as they are read; raises `TaskError` if it is refused."""
    try:
        return validator.check(json.dumps({"inputs": inputs}).encode()).packed
    except (BadRequest, Invalid) as refused:
        raise TaskError(f"Rows of the dataset cannot be asked {how}: {_why(refused)}") from refused


def _others(one: Packed, other: Packed, schema: Schema) -> str:
    differ = (one.strings != other.strings).any(axis=0).tolist()
    return ", ".join(repr(column.name) for column, found in zip(schema.strings, differ, strict=True) if found)


def _plain(row: dict[Any, Any]) -> dict[str, Any]:
    """Return a row of a stored table as JSON has it: numbers, texts and null."""
    return {str(name): _cell(value) for name, value in row.items()}


def _cell(value: Any) -> Any:
    if isinstance(value, str):
        return value
    if value is None or value != value:  # noqa: PLR0124  # only NaN and NaT differ from themselves
        return None
    return value.item() if isinstance(value, np.generic) else value


def _element(value: Any, column: Column) -> Any:
    """Return what a tensor of the column's datatype holds, BOOL, INT64, FP64 or BYTES, for a cell."""
    if value is None:
        return None
    reading = column.reading
    if reading is not None and reading.values == "boolean":  # noqa: PD011  # a reading, no frame
        return reading.words().get(value.casefold(), value) if isinstance(value, str) else bool(value)
    if column.kind == "numeric":
        return int(value) if column.integer and float(value).is_integer() else float(value)
    return value


def _fits(value: Any, limits: Limits) -> bool:
    if isinstance(value, str):
        return len(value) <= limits.max_text_length
    return value is None or (math.isfinite(value) and abs(value) <= LARGEST_NUMBER)


def _why(refused: BadRequest | Invalid) -> str:
    errors = refused.errors or []
    named = [f"{'.'.join(map(str, error['loc'][2:]))}: {error['message']}" for error in errors[:SHOWN]]
    return "; ".join(named) or refused.detail

"""The two blocks a model takes: its numbers and its texts, whoever asks.

Timestamps are numbers: their place in the calendar stands behind the numeric columns (`calendar.py`).
Training, the gate, the ONNX check and every request pack their rows here, so that a model is always asked in
the form it was fitted in. pandas is imported only where a frame is made: answering requests does not need it.
"""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from data_processor.features.calendar import FEATURES, calendar_of, feature_name
from data_processor.features.schema import Column, Schema

if TYPE_CHECKING:
    import pandas as pd

MISSING = "nan"
"""What stands for a missing text: ONNX knows no missing strings."""
NUMERIC_INPUT = "numeric"
"""The name of the numeric block in a compiled model."""
STRINGS_INPUT = "strings"
"""The name of the text block in a compiled model."""

_ABSENT = frozenset({"None", "nan", "NaT", "<NA>"})
"""How the values that mean "missing" write themselves; a real text of these letters never gets this far."""
_LARGEST = float(np.finfo(np.float32).max)


Numbers = NDArray[np.float32] | NDArray[np.float64]


class Packed(NamedTuple):
    """Rows as a model takes them."""

    numeric: Numbers
    """Shape (rows, `schema.width`): the columns of `schema.numeric`, then the calendar of each of
    `schema.timestamps`; NaN is missing, all else finite. Of type `numbers_type(schema)`."""
    strings: NDArray[np.object_]
    """Shape (rows, other columns), in the order of `schema.strings`; `MISSING` is missing."""


def pack_rows(rows: Sequence[Mapping[str, Any]], schema: Schema) -> Packed:
    """Pack rows given as mappings of column names; an absent column is missing, unknown ones are ignored.

    Raises `ValueError` or `TypeError` if a numeric column holds something that is not a number.
    """
    numeric = np.empty((len(rows), schema.width), np.float64)
    strings = np.empty((len(rows), len(schema.strings)), object)
    for place, column in enumerate(schema.numeric):
        name = column.name
        values = [row.get(name) for row in rows]
        numeric[:, place] = [math.nan if value is None else value for value in values]
    start = len(schema.numeric)
    for column in schema.timestamps:
        name = column.name
        seen = [FEATURES.index(feature) for feature in column.calendar]
        calendar = np.array([calendar_of(row.get(name)) for row in rows]).reshape(-1, len(FEATURES))
        numeric[:, start : start + len(seen)] = calendar[:, seen]
        start += len(seen)
    for place, column in enumerate(schema.strings):
        name = column.name
        strings[:, place] = [text(row.get(name)) for row in rows]
    return Packed(_cut(numeric, schema), strings)


def pack(frame: "pd.DataFrame", schema: Schema) -> Packed:
    """Pack the rows of a frame that has at least the schema's input columns, as a table or unpacked.

    Raises `KeyError` if a column is absent and `ValueError` if a numeric column holds something else.
    """
    numeric = np.empty((len(frame), schema.width), np.float64)
    strings = np.empty((len(frame), len(schema.strings)), object)
    for place, column in enumerate(schema.numeric):
        numeric[:, place] = frame[column.name].to_numpy(np.float64, na_value=np.nan)
    start = len(schema.numeric)
    for column in schema.timestamps:
        numeric[:, start : start + len(column.calendar)] = _calendar(frame, column)
        start += len(column.calendar)
    for place, column in enumerate(schema.strings):
        if column.kind == "datetime" and column.name not in frame:
            strings[:, place] = MISSING  # unpacked for a version that sees timestamps; this one ignores them
            continue
        strings[:, place] = [text(value) for value in frame[column.name].tolist()]
    return Packed(_cut(numeric, schema), strings)


def unpack(packed: Packed, schema: Schema) -> "pd.DataFrame":
    """Return packed rows as the frame a trained pipeline takes: numbers first, then texts, by column name."""
    import pandas as pd  # noqa: PLC0415  # half a second and 60 MB that serving ONNX never needs

    columns: dict[str, Any] = {
        name: packed.numeric[:, place] for place, name in enumerate(numeric_names(schema))
    }
    for i, column in enumerate(schema.strings):
        columns[column.name] = pd.Series(packed.strings[:, i], dtype=object)
    return pd.DataFrame(columns, index=pd.RangeIndex(len(packed.numeric)))


def numeric_names(schema: Schema) -> list[str]:
    """Return what the columns of the numeric block are called in an unpacked frame, in order."""
    calendar = [feature_name(c.name, feature) for c in schema.timestamps for feature in c.calendar]
    return [*(column.name for column in schema.numeric), *calendar]


def owners(schema: Schema) -> tuple[list[str], list[str]]:
    """Return the input that each column of the numeric block, and each of the text block, belongs to."""
    calendar = [column.name for column in schema.timestamps for _ in column.calendar]
    numbers = [*(column.name for column in schema.numeric), *calendar]
    return numbers, [column.name for column in schema.strings]


def _calendar(frame: "pd.DataFrame", column: Column) -> NDArray[np.float64]:
    """Return the features of a datetime column, from its timestamps or, unpacked, as they are."""
    if column.name not in frame:
        names = [feature_name(column.name, feature) for feature in column.calendar]
        return frame[names].to_numpy(np.float64)
    known: dict[Any, tuple[float, ...]] = {}
    values = frame[column.name].tolist()
    for value in values:
        if value not in known:
            known[value] = calendar_of(value)
    seen = [FEATURES.index(feature) for feature in column.calendar]
    return np.array([known[value] for value in values]).reshape(-1, len(FEATURES))[:, seen]


def text(value: Any) -> str:
    """Return a value of a text column as the text a model sees, whatever it was stored as."""
    if isinstance(value, str):
        return value
    written = str(value)
    if written in _ABSENT:
        return MISSING
    if isinstance(value, float) and value.is_integer():
        return str(int(value))  # a table with a gap in a column of codes holds them as floats
    return written


def numbers_type(schema: Schema) -> np.dtype[Any]:
    """Return the type of the numeric block: 32-bit floats where they are enough."""
    return np.dtype(np.float64 if schema.precise else np.float32)


def _cut(numeric: NDArray[np.float64], schema: Schema) -> Numbers:
    """Return numbers in their type; what does not fit 32 bits becomes the largest that does."""
    return np.clip(numeric, -_LARGEST, _LARGEST).astype(numbers_type(schema))

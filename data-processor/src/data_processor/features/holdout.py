"""Which rows are holdout rows, for ever: what a row contains decides it, never where it stands in a table.

A row's inputs are written in one canonical form and hashed with the model's salt. Equal inputs give equal
numbers, so they are never on two sides: not across versions of a dataset, not between an upload and the
feedback that repeats it, not after columns were reordered. Texts are equal letter by letter, and missing
values (absent, `None`, NaN, the text `nan`) are alike. Numbers are equal by value; for a model of an earlier
release, whose salt does not begin with `EXACT`, as the nearest 32-bit floats.
"""

import datetime as dt
import hashlib
import math
import struct
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from data_processor.features.schema import Column

if TYPE_CHECKING:  # the controller asks this module for its shares and must not wait for pandas
    import pandas as pd

HOLDOUT = 0.20
"""Positions below are the holdout side: never fitted to, in any version, rows of feedback included."""
VALIDATION_FROM = 0.70
"""Positions from here on are, among the recent rows, the validation rows; those before are the test rows."""
MISSING_TEXT = "nan"
"""What stands for a missing text in the model's string tensor, and is therefore the same input."""

EXACT = "exact-"
"""Begins the salt of a model whose rows are told apart by their numbers' values."""

_STEPS = 2**53
"""Positions are multiples of 1/_STEPS: exact as 64-bit floats, the low digits as random as the high."""
_GROUP = Column(name="", kind="identifier")
_LARGEST = float(np.finfo(np.float32).max)
"""The model sees no larger number than this one."""
_DIGITS = 15
"""Of a number that is not whole: what arithmetic on 64-bit floats leaves right."""

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


def canonical_row(row: Mapping[str, Any], inputs: Sequence[Column], *, exact: bool = False) -> bytes:
    """Return the inputs of a row as bytes that are equal exactly when the inputs are.

    Numbers are equal by value if `exact`, else as 32-bit floats. Only the columns in `inputs` count, in
    whatever order; missing values leave no trace, so that a column added later moves no old row. Raises
    `ValueError` if a numeric column does not hold a number.
    """
    return b"".join(_cell(column, exact=exact)(row.get(column.name)) for column in _by_name(inputs))


def position(row: Mapping[str, Any], inputs: Sequence[Column], salt: str) -> float:
    """Return where a row stands in [0, 1): uniform over distinct inputs, fixed by inputs and salt."""
    return _hash(canonical_row(row, inputs, exact=salt.startswith(EXACT)), _key(salt))


def positions(frame: "pd.DataFrame", inputs: Sequence[Column], salt: str) -> Floats:
    """Return the position of each row of a frame, shape (rows,): as `position` would, many at once."""
    columns = [
        _cells(frame[column.name], column, exact=salt.startswith(EXACT))
        for column in _by_name(inputs)
        if column.name in frame
    ]
    key = _key(salt)
    rows = map(b"".join, zip(*columns, strict=True)) if columns else [b""] * len(frame)
    return np.fromiter((_hash(row, key) for row in rows), np.float64, len(frame))


def group_positions(groups: "pd.Series[Any]", salt: str) -> Floats:
    """Return the position of each row's group, shape (rows,): that of its value alone; NaN where missing.

    7, 7.0 and "7" are the same group, whatever the column is called.
    """
    key, cells = _key(salt), _cells(groups, _GROUP, exact=True)
    known = {cell: _hash(cell, key) if cell else math.nan for cell in set(cells)}
    return np.fromiter((known[cell] for cell in cells), np.float64, len(cells))


def on_holdout(at: Floats) -> Flags:
    """Say of each position whether it is on the holdout side."""
    return at < HOLDOUT


def for_validation(at: Floats) -> Flags:
    """Say of each recent row whether candidates are chosen on it; the gate decides on the others."""
    return at >= VALIDATION_FROM


def folds(at: Floats, count: int = 5) -> NDArray[np.int64]:
    """Return the fold of each position, 0 … count - 1: equal inputs share it, whatever side they are on."""
    return (at * _STEPS).astype(np.int64) % count


def _by_name(inputs: Sequence[Column]) -> list[Column]:
    return sorted(inputs, key=lambda column: column.name)


def _key(salt: str) -> bytes:
    return hashlib.blake2b(salt.encode(), digest_size=32).digest()


def _hash(row: bytes, key: bytes) -> float:
    digest = hashlib.blake2b(row, digest_size=8, key=key).digest()
    return (int.from_bytes(digest, "big") >> 11) / _STEPS


def _cell(column: Column, *, exact: bool) -> Callable[[Any], bytes]:
    """Return how a column's values are written: name, kind and content, with its length where it varies."""
    name = column.name.encode("utf-8", "surrogatepass")
    head = len(name).to_bytes(4, "big") + name
    write: Callable[[Any], bytes] = {
        "numeric": _number if exact else _single,
        "datetime": _timestamp,
    }.get(column.kind, _text)

    def cell(value: Any) -> bytes:
        try:
            content = b"" if _absent(value) else write(value)
        except (TypeError, ValueError, OverflowError) as error:
            raise ValueError(f"Column {column.name!r} is {column.kind} and cannot hold {value!r}.") from error
        return head + content if content else b""

    return cell


def _cells(values: "pd.Series[Any]", column: Column, *, exact: bool) -> list[bytes]:
    write = _cell(column, exact=exact)
    if column.kind == "numeric" and values.dtype.kind in "biuf":
        numbers = values.to_numpy(np.float64, na_value=np.nan)
        distinct, which = np.unique(numbers, return_inverse=True)
        written = [write(number) for number in distinct.tolist()]
        return [written[i] for i in which.tolist()]
    known: dict[Hashable, bytes] = {}
    cells = []
    for value in values.astype(object).tolist():
        key = (type(value), value)  # 1, True and 1.0 are one key to a dictionary, but not one text
        if key not in known:
            known[key] = write(value)
        cells.append(known[key])
    return cells


def _absent(value: Any) -> bool:
    try:
        # Only NaN and NaT differ from themselves, whatever their type.
        return value is None or bool(value != value)  # noqa: PLR0124  # see above
    except TypeError:  # pandas' NA cannot even say that
        return True


def _number(value: Any) -> bytes:
    """Write a number by its value.

    A 32-bit float and the shortest decimal that means it are one value: 0.1 is written both ways.
    """
    number = float(value)
    if math.isnan(number) or abs(number) >= _LARGEST or number == float(np.float32(number)):
        return _single(number)
    if not number.is_integer():
        number = float(f"{number:.{_DIGITS}g}")
    single = np.float32(number)
    return (
        _single(number) if number in (float(single), float(str(single))) else b"d" + struct.pack("<d", number)
    )


def _single(value: Any) -> bytes:
    """Write a number as the nearest 32-bit float."""
    number = float(value)
    if math.isnan(number):
        return b""
    single = np.float32(min(max(number, -_LARGEST), _LARGEST))
    return b"n" + struct.pack("<f", single + np.float32(0))  # -0.0 + 0 is 0.0


def _text(value: Any) -> bytes:
    if isinstance(value, (np.generic, np.ndarray)):
        value = value.item()
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # a table with a gap in a column of codes holds them as floats
    text = str(value)
    if text == MISSING_TEXT:
        return b""
    content = text.encode("utf-8", "surrogatepass")
    return b"t" + len(content).to_bytes(4, "big") + content


def _timestamp(value: Any) -> bytes:
    """Write a timestamp as UTC; a text that is not one stays the text it is."""
    if isinstance(value, np.datetime64):
        value = value.astype("datetime64[us]").item()
    if type(value) is dt.date:
        value = dt.datetime.combine(value, dt.time())
    try:
        found = dt.datetime.fromisoformat(value) if isinstance(value, str) else value
        aware = found if found.tzinfo is not None else found.replace(tzinfo=dt.UTC)
        return _text(aware.astimezone(dt.UTC).isoformat(timespec="microseconds"))
    except (AttributeError, ValueError, OverflowError):
        return _text(value)

"""The protocol's datatypes: which JSON values each of them holds. Pure."""

import json
import math
from collections.abc import Callable
from typing import Any

from pipeline_api.oip.schemas import Datatype

SHOWN = 40
"""Characters of a wrong value that an error repeats."""

Reader = Callable[[Any], Any]
"""Takes a JSON value that is not null, and returns it as the rows have it."""


class WrongValue(Exception):
    """The datatype does not hold the value: says what it does hold."""

    def __init__(self, expected: str, value: object) -> None:
        shown = json.dumps(value, ensure_ascii=False)
        shown = shown if len(shown) <= SHOWN else f"{shown[:SHOWN]}…"
        super().__init__(f"expected {expected}, not {shown}")


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    raise WrongValue("text", value)


def _truth(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    raise WrongValue("true or false", value)


def _whole(low: int, high: int) -> Reader:
    """Return the reader of the whole numbers from `low` to `high`; 39.0 is one too."""

    def read(value: Any) -> int:
        whole = int(value) if isinstance(value, float) and value.is_integer() else value
        if type(whole) is int and low <= whole <= high:
            return whole
        raise WrongValue(f"a whole number from {low} to {high}", value)

    return read


def _real(bits: int, exponent: int) -> Reader:
    """Return the reader of the floats with a significand of `bits` bits below 2 to the power of `exponent`.

    NaN is how NumPy marks a missing value, and becomes None.
    """
    # Python compares an integer of any size with a float exactly, and does not convert it.
    largest, infinite = 2**exponent - 2 ** (exponent - bits), 2**exponent - 2 ** (exponent - bits - 1)
    expected = f"a number from {-largest:g} to {largest:g}"

    def read(value: Any) -> float | None:
        if type(value) in (int, float):
            if -infinite < value < infinite:
                return float(value)
            if isinstance(value, float) and math.isnan(value):
                return None
        raise WrongValue(expected, value)

    return read


READERS: dict[Datatype, Reader] = {
    "BOOL": _truth,
    "UINT8": _whole(0, 2**8 - 1),
    "UINT16": _whole(0, 2**16 - 1),
    "UINT32": _whole(0, 2**32 - 1),
    "UINT64": _whole(0, 2**64 - 1),
    "INT8": _whole(-(2**7), 2**7 - 1),
    "INT16": _whole(-(2**15), 2**15 - 1),
    "INT32": _whole(-(2**31), 2**31 - 1),
    "INT64": _whole(-(2**63), 2**63 - 1),
    "FP16": _real(11, 16),
    "FP32": _real(24, 128),
    "FP64": _real(53, 1024),
    "BYTES": _text,
}

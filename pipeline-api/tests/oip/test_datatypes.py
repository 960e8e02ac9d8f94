import math
from typing import Any

import pytest

from pipeline_api.oip.datatypes import READERS, WrongValue

LARGEST_FP32 = 3.4028234663852886e38
DIGITS_310 = 10**309

ACCEPTED: list[tuple[Any, Any]] = [
    ("BOOL", True),
    ("BYTES", ""),
    ("INT8", -128),
    ("INT8", 127),
    ("INT16", -32_768),
    ("INT32", 2**31 - 1),
    ("INT64", -(2**63)),
    ("INT64", 2**63 - 1),
    ("INT64", 39.0),
    ("UINT8", 0),
    ("UINT8", 255),
    ("UINT16", 65_535),
    ("UINT32", 2**32 - 1),
    ("UINT64", 2**64 - 1),
    ("FP16", 65_504),
    ("FP16", -65_519.9),  # rounds to the largest
    ("FP32", LARGEST_FP32),
    ("FP32", 3.4028235e38),  # how many programs print the largest
    ("FP64", -1.7976931348623157e308),
    ("FP64", 10**308),
]
REFUSED: list[tuple[Any, Any]] = [
    ("BOOL", 1),
    ("BOOL", "true"),
    ("BYTES", 1),
    ("BYTES", True),
    ("INT8", 4000),
    ("INT8", -129),
    ("INT16", 32_768),
    ("INT32", 2**31),
    ("INT64", 2**63),
    ("INT64", DIGITS_310),
    ("INT64", 1e300),
    ("INT64", math.nan),
    ("INT64", math.inf),
    ("INT64", True),
    ("INT64", "1"),
    ("UINT8", -1),
    ("UINT8", 256),
    ("UINT16", 65_536),
    ("UINT32", -1),
    ("UINT64", 2**64),
    ("FP16", 65_520),
    ("FP16", -1e300),
    ("FP16", DIGITS_310),
    ("FP32", 1e39),
    ("FP32", 2**128),
    ("FP64", math.inf),
    ("FP64", -math.inf),
    ("FP64", DIGITS_310),
    ("FP64", -(10**400)),
    ("FP64", True),
    ("FP64", "1.5"),
    ("FP64", [1.5]),
    ("FP64", {}),
]


@pytest.mark.parametrize(("datatype", "value"), ACCEPTED)
def test_a_datatype_holds_what_is_in_its_range(datatype: Any, value: Any) -> None:
    read = READERS[datatype](value)

    assert read == (float(value) if datatype.startswith("FP") else value)
    assert isinstance(read, float) is datatype.startswith("FP")


@pytest.mark.parametrize(("datatype", "value"), REFUSED)
def test_a_datatype_refuses_what_it_does_not_hold(datatype: Any, value: Any) -> None:
    with pytest.raises(WrongValue, match=r"^expected .+, not .+") as refused:
        READERS[datatype](value)

    assert len(str(refused.value)) < 150


@pytest.mark.parametrize("datatype", ["FP16", "FP32", "FP64"])
def test_nan_is_missing_where_the_datatype_has_it(datatype: Any) -> None:
    assert READERS[datatype](math.nan) is None


def test_a_refusal_says_the_range_and_the_value() -> None:
    with pytest.raises(WrongValue, match="expected a whole number from -128 to 127, not 4000"):
        READERS["INT8"](4000)
    with pytest.raises(WrongValue, match="expected a number from -65504 to 65504, not 70000"):
        READERS["FP16"](70_000)

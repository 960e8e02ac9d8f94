"""What is doubtful about the reading of a column is said with what can be done about it."""

from typing import Any

import pyarrow as pa
import pytest

from data_processor.datasets.doubts import find_doubts
from data_processor.datasets.profile import describe
from data_processor.features.reading import Reading
from data_processor.features.schema import Column


def said(values: list[Any], **more: Any) -> dict[str, str]:
    column = describe("c", pa.chunked_array([pa.array(values)]), **more)
    return {warning["code"]: warning["message"] for warning in find_doubts([column])}


@pytest.mark.parametrize(
    ("values", "code", "message"),
    [
        (["1.5"] * 29 + ["x"], "unreadable", "One cell is no number: 'x' in row 30."),
        (["a", "NA", "NA"], "missing-marks", "Counted as missing: 'NA' in 2 rows."),
        (["8,329", "2,021"], "ambiguous-decimal", "'8,329' is read with a decimal point and groups"),
        (["8.5%", "3%"], "unit", "without the '%' beside them: 3 to 8.5"),
        (["3.1", "3.10"], "same-number", "2 different texts are 1 different numbers"),
        (["007", "12"], "digits", "'007' are kept as texts"),
        ([1_700_000_000, 1_700_000_060], "epoch", "may be times (epoch seconds)"),
    ],
)
def test_a_doubt_is_said_with_its_remedy(values: list[Any], code: str, message: str) -> None:
    found = said(values)
    assert list(found) == [code]
    assert message in found[code]


def test_a_column_without_doubts_has_none() -> None:
    assert said(["a", "b"]) == {}
    assert said([1, 2, None]) == {}


def test_a_file_that_is_read_otherwise_than_the_last_one_says_so() -> None:
    before = Column(name="c", kind="numeric", reading=Reading(values="number", decimal=","))
    assert said(["1,5", "2,5"], known=before) == {}
    found = said(["1.5", "2.50"], known=before)["reading-changed"]
    assert found == "It cannot be read as the last file was, and is read as numbers with a decimal point."

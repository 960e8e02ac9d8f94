import csv
import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamlit_ui.batch.reading import Fault, Table, read_table
from streamlit_ui.batch.sending import Batch
from streamlit_ui.batch.writing import answered_csv, faults_csv, neutral

CELL = st.text(
    alphabet=st.characters(codec="utf-8", exclude_characters="\x00\r"), min_size=1, max_size=12
).filter(lambda text: text.strip() == text and bool(text))


def batch(rows: list[list[str]], header: list[str] | None = None, **answer: Any) -> Batch:
    table = Table(header or ["a", "b"], rows, ",", "utf-8")
    answers = {number: {"id": f"id-{number}", "flags": [], **answer} for number in range(1, len(rows) + 1)}
    return Batch(table, "m", [], [], answers, dict.fromkeys(answers, "3"))  # type: ignore[arg-type]  # canned


def cells(content: bytes, delimiter: str = ",") -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode(), newline=""), delimiter=delimiter))


@given(st.lists(st.lists(CELL, min_size=2, max_size=2), min_size=1, max_size=5))
def test_what_went_in_comes_out_with_its_answer(rows: list[list[str]]) -> None:
    written = answered_csv(batch(rows, label="x", probabilities={"x": 0.75, "y": 0.25}))
    back = cells(written)
    assert back[0] == [
        "a",
        "b",
        "prediction_id",
        "predicted_label",
        "probability of x",
        "probability of y",
        "flags",
        "version",
    ]
    for number, (row, out) in enumerate(zip(rows, back[1:], strict=True), start=1):
        assert [cell.removeprefix("'") for cell in out[:2]] == [cell.removeprefix("'") for cell in row]
        assert out[2:] == [f"id-{number}", "x", "0.75", "0.25", "", "3"]
    assert read_table(written, 100).header == back[0]


def test_a_number_is_written_as_a_value() -> None:
    assert cells(answered_csv(batch([["1", "2"]], value=12.5)))[1] == ["1", "2", "id-1", "12.5", "", "3"]


def test_columns_of_the_file_keep_their_names() -> None:
    header = cells(answered_csv(batch([["1", "2"]], ["version", "flags"], label="x", probabilities={})))[0]
    assert header == ["version", "flags", "prediction_id", "predicted_label", "flags_2", "version_2"]


def test_only_rows_with_an_answer_are_written() -> None:
    unfinished = batch([["1", "2"], ["3", "4"]], label="x")
    del unfinished.answers[1]
    assert [row[0] for row in cells(answered_csv(unfinished))[1:]] == ["3"]


def test_the_delimiter_of_the_file_is_kept() -> None:
    told = batch([["1,5", "2"]], label="x")
    told.table = Table(["a", "b"], [["1,5", "2"]], ";", "utf-8")
    assert cells(answered_csv(told), ";")[1][:2] == ["1,5", "2"]


def test_faults_are_written_by_row() -> None:
    told = batch([["1", "2"]])
    told.faults = [Fault(3, "age", "=1+1", "is not a number"), Fault(1, "", "x", "has 1 cell")]
    assert cells(faults_csv(told)) == [
        ["row", "field", "value", "problem"],
        ["1", "", "x", "has 1 cell"],
        ["3", "age", "'=1+1", "is not a number"],
    ]


@pytest.mark.parametrize(
    "cell", ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "=", "-", "\uff1d1"]
)
def test_a_formula_is_neutralised(cell: str) -> None:
    assert neutral(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["-5", "+3.25", "-1e-3", "<=50K", ">50K", "a=b", "", "39", "'=1"])
def test_what_is_no_formula_stays(cell: str) -> None:
    assert neutral(cell) == cell


@given(st.text())
def test_no_cell_is_left_to_calculate(cell: str) -> None:
    written = neutral(cell)
    if written[:1] in tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20"):
        float(written)


def test_nothing_is_empty() -> None:
    assert neutral(None) == ""

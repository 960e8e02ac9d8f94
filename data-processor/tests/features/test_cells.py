"""Cells as people and programs send them, read as the column of the training file was."""

import datetime as dt
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_processor.features.cells import cell_reader, label_reader
from data_processor.features.reading import Reading, UnreadableError
from data_processor.features.rereading import read_again
from data_processor.features.schema import Column, Schema

NUMBER = Column(name="n", kind="numeric", reading=Reading(values="number", decimal=",", grouping="."))
TRUTH = Column(
    name="b",
    kind="categorical",
    categories=("yes", "no"),
    reading=Reading(values="boolean", true=("yes",), false=("no",)),
)
CODES = Column(
    name="c", kind="categorical", categories=("3.1", "3.10", "07"), reading=Reading(values="number")
)
DAY = Column(
    name="d",
    kind="datetime",
    calendar=("year",),
    reading=Reading(values="datetime", format="%m/%d/%Y", missing=("never",)),
)


@pytest.mark.parametrize(
    ("column", "cell", "value"),
    [
        (NUMBER, "1.234,5", 1234.5),
        (NUMBER, " 7 ", 7),
        (NUMBER, 1.5, 1.5),
        (NUMBER, "NA", None),
        (NUMBER, "", None),
        (NUMBER, float("nan"), None),
        (TRUTH, True, "yes"),
        (TRUTH, "YES", "yes"),
        (TRUTH, "false", "no"),
        (TRUTH, "perhaps", "perhaps"),
        (CODES, "3.10", "3.10"),
        (CODES, " 3.10 ", "3.10"),
        (CODES, "3.100", "3.100"),
        (CODES, 3.1, "3.1"),
        (CODES, 7, "07"),
        (CODES, 8, "8"),
        (CODES, "?", None),
        (DAY, "5/19/2011", "2011-05-19"),
        (DAY, "2011-05-19T10:00:00+02:00", "2011-05-19T10:00:00+02:00"),
        (DAY, "never", None),
        (Column(name="t", kind="text"), "NA", "NA"),
        (Column(name="t", kind="text"), " ", " "),
        (Column(name="t", kind="text"), 7, "7"),
        (Column(name="k", kind="categorical", categories=("1", "2")), "2.0", "2"),
        (Column(name="k", kind="categorical", categories=("NA", "x")), "NA", "NA"),
        (Column(name="k", kind="categorical", categories=("True", "False")), True, "True"),
        (Column(name="k", kind="categorical", categories=("true", "false")), True, "true"),
    ],
)
def test_a_cell_is_what_its_column_makes_of_it(column: Column, cell: Any, value: Any) -> None:
    read = cell_reader(column)
    assert read(cell) == value
    assert read(read(cell)) == value


@pytest.mark.parametrize(
    ("column", "cell", "message"),
    [
        (NUMBER, "1,234.5", "must be a number with a decimal comma, not the text '1,234.5'"),
        (NUMBER, True, "must be a number, not true or false"),
        (NUMBER, [], "must be a number, not a list"),
        (DAY, "19/5/2011", "as the table has it: %m/%d/%Y"),
        (DAY, 7, "must be text, not a number"),
        (TRUTH, 1, "must be text, not a number"),
        (Column(name="k", kind="categorical", categories=("a",)), 7, "must be text, not a number"),
        (Column(name="t", kind="text"), {}, "must be text, not an object"),
    ],
)
def test_what_a_column_cannot_hold_is_said(column: Column, cell: Any, message: str) -> None:
    with pytest.raises(UnreadableError) as refused:
        cell_reader(column)(cell)
    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("classes", "cell", "label"),
    [
        (("0", "1"), 0, "0"),
        (("0", "1"), "0", "0"),
        (("0", "1"), 0.0, "0"),
        (("0", "1"), "0.0", "0"),
        (("0", "1"), True, "1"),
        (("False", "True"), True, "True"),
        (("False", "True"), "true", "true"),
        (("01", "001"), "01", "01"),
        (("01", "001"), 1, "1"),
        (("3.1", "3.2"), "3.10", "3.10"),
    ],
)
def test_a_label_is_the_class_that_is_meant(classes: tuple[str, ...], cell: Any, label: str) -> None:
    assert label_reader(None, classes)(cell) == label


def test_a_label_of_a_column_of_booleans_is_any_word_for_it() -> None:
    assert label_reader(TRUTH, ("no", "yes"))("TRUE") == "yes"


def test_a_table_of_another_dataset_is_read_as_this_one() -> None:
    columns = (TRUTH, NUMBER.model_copy(update={"source": "Größe"}), Column(name="y", kind="categorical"))
    schema = Schema(task="tabular-classification", target="y", columns=columns, classes=("0", "1"))
    frame = pd.DataFrame({"b": ["True", None], "Größe": ["1,5", "x"], "y": ["0.0", "1"], "z": [1, 2]})
    read = read_again(frame, schema)
    assert read["b"].tolist()[0] == "yes"
    assert pd.isna(read["b"][1])
    assert read["n"].tolist() == [1.5, "x"]
    assert read["y"].tolist() == ["0", "1"]
    assert read["z"].tolist() == [1, 2]


@given(
    st.datetimes(dt.datetime(1970, 1, 1), dt.datetime(2068, 12, 31)),  # noqa: DTZ001  # as files have them
    st.sampled_from(["%d.%m.%Y %H:%M:%S", "%d %b %Y, %H:%M:%S", "%m/%d/%y %I:%M:%S %p", "%Y%m%d%H%M%S"]),
)
def test_a_timestamp_that_is_written_in_a_format_is_read_back(at: dt.datetime, form: str) -> None:
    reading = Reading(values="datetime", format=form)
    read = cell_reader(Column(name="d", kind="datetime", calendar=("year",), reading=reading))
    found = read(at.strftime(form.replace("%Y", f"{at.year:04}")))
    assert dt.datetime.fromisoformat(str(found)) == at.replace(microsecond=0)

from typing import Any

import pytest

from canned_training import column
from streamlit_ui import columns, readings

USUAL = ["?", "NA"]


def reading(values: str, **more: Any) -> Any:
    return {"values": values, "missing": USUAL, **more}


def possible(found: Any, unreadable: int = 0, *cells: Any) -> dict[str, Any]:
    return {"reading": found, "unreadable": unreadable, "cells": list(cells)}


DAY_FIRST = reading("datetime", format="%d/%m/%Y")
MONTH_FIRST = reading("datetime", format="%m/%d/%Y")
SOLD = column(
    "sold", "datetime", reading=DAY_FIRST, readings=[possible(DAY_FIRST), possible(MONTH_FIRST)], marks={}
)
COMMA = reading("number", decimal=",", grouping=".")
BAD = {"row": 7, "text": "unknown"}
PRICE = column("price", "numeric", reading=COMMA, readings=[possible(COMMA, 1, BAD)], missing=3)
RISK = column("risk", "categorical", reading=reading("text"), marks={"NA": 12, "?": 1}, missing=13)


def proposal(*found: Any) -> Any:
    return {"name": "sales", "rows": 100, "columns": list(found), "target": None, "warnings": []}


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (None, None),
        (reading("text"), "Text"),
        (reading("boolean"), "True or false"),
        (reading("number"), "Number"),
        (COMMA, "Number, decimal comma, points between thousands"),
        (reading("number", grouping=" ", unit="€"), "Number, blanks between thousands, with €"),
        (reading("datetime", format="%d.%m.%Y %H:%M"), "DD.MM.YYYY hh:mm"),
        (reading("datetime", format="ISO 8601"), "ISO 8601"),
    ],
)
def test_a_reading_is_said_in_words(found: Any, words: str | None) -> None:
    assert readings.label(found) == words


def test_another_reading_is_sent_as_what_differs() -> None:
    asked = proposal(SOLD, PRICE)
    edited = columns.table(asked)
    assert list(edited["Read as"]) == ["DD/MM/YYYY", "Number, decimal comma, points between thousands"]
    assert set(readings.labels(asked)) == {*edited["Read as"], "MM/DD/YYYY"}
    edited.loc[0, "Read as"] = "MM/DD/YYYY"
    edited.loc[1, "Read as"] = "MM/DD/YYYY"  # which this column cannot be
    assert columns.changes(asked, columns.chosen(asked, edited)) == {"sold": {"format": "%m/%d/%Y"}}


def test_a_mark_that_is_a_value_is_taken_out_of_the_marks() -> None:
    asked = proposal(RISK)
    edited = columns.table(asked)
    assert edited["Marks of missing"][0] == ["NA", "?"]
    edited["Marks of missing"] = [["?"]]
    assert columns.changes(asked, columns.chosen(asked, edited)) == {"risk": {"missing": ["?"]}}
    edited["Marks of missing"] = [[]]
    assert columns.changes(asked, columns.chosen(asked, edited)) == {"risk": {"missing": []}}


def test_whether_a_column_may_be_missing_is_sent_if_it_was_changed() -> None:
    asked = proposal(SOLD, PRICE)
    edited = columns.table(asked)
    assert list(edited["May be missing"]) == [False, True]
    edited.loc[0, "May be missing"] = True
    assert columns.changes(asked, columns.chosen(asked, edited)) == {"sold": {"nullable": True}}


def test_cells_that_cannot_be_read_are_named_and_may_count_as_missing() -> None:
    asked = proposal(SOLD, PRICE)
    assert readings.unreadable_cells(asked) == ["price: 1 cell, “unknown” in row 7"]
    said = columns.chosen(asked, columns.table(asked))
    assert columns.changes(asked, said, drop_unreadable=True) == {"price": {"unreadable": "missing"}}

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canned_training import AGE, COMMENTS, COUNTING, INCOME, PROPOSAL, TASKS, WORKCLASS, column
from streamlit_ui import columns
from streamlit_ui.columns import Chosen

PROPOSED: Any = PROPOSAL


def proposal(*found: Any, target: str | None = None) -> Any:
    return {**PROPOSAL, "columns": list(found), "target": target}


def suiting(asked: Any, said: dict[str, Chosen], target: str, tasks: Any = TASKS) -> str | None:
    found = columns.likely_task(tasks, asked, said, target)
    return found["task"] if found else None


def test_the_table_shows_each_column_with_its_reason() -> None:
    shown = columns.table(PROPOSED)
    assert list(shown["Kind"]) == ["Number", "Category", "Category"]
    assert list(shown["Missing"]) == ["0", "20 (2%)", "0"]
    assert list(shown["Examples"]) == ["39 · 50", "Private · State-gov", "<=50K"]


def test_what_is_not_touched_is_not_sent() -> None:
    said = columns.chosen(PROPOSED, columns.table(PROPOSED))
    assert columns.changes(PROPOSED, said) == {}


def test_only_what_was_changed_is_sent() -> None:
    edited = columns.table(PROPOSED)
    edited.loc[0, "Name"] = "  Age in years "
    edited.loc[1, "Kind"] = "Left out"
    said = columns.chosen(PROPOSED, edited)
    assert columns.changes(PROPOSED, said) == {
        "age": {"name": "Age in years"},
        "workclass": {"kind": "ignored"},
    }


def test_an_emptied_cell_keeps_what_was_there() -> None:
    edited = columns.table(PROPOSED)
    edited.loc[0, "Name"] = None
    edited.loc[1, "Kind"] = None
    assert columns.changes(PROPOSED, columns.chosen(PROPOSED, edited)) == {}


def test_a_name_of_the_version_before_is_proposed_and_can_be_taken_back() -> None:
    renamed = proposal(column("a", "numeric", renamed="Age"))
    edited = columns.table(renamed)
    assert list(edited["Name"]) == ["Age"]
    assert columns.changes(renamed, columns.chosen(renamed, edited)) == {}
    edited.loc[0, "Name"] = "a"
    assert columns.changes(renamed, columns.chosen(renamed, edited)) == {"a": {"name": "a"}}


@given(st.lists(st.text(max_size=20), min_size=3, max_size=3))
def test_any_name_that_is_typed_is_either_sent_or_the_one_of_the_file(names: list[str]) -> None:
    edited = columns.table(PROPOSED)
    edited["Name"] = names
    said = columns.chosen(PROPOSED, edited)
    for name, typed in zip(said, names, strict=True):
        assert said[name].name == (typed.strip() or name)


@pytest.mark.parametrize(
    ("found", "target", "task"),
    [
        (PROPOSAL["columns"], "income", "tabular-classification"),
        (PROPOSAL["columns"], "age", "tabular-regression"),
        (COMMENTS["columns"], "toxic", "text-classification"),
        ([*COMMENTS["columns"], AGE], "toxic", "tabular-classification"),
        ([WORKCLASS, column("stars", "numeric", distinct=5)], "stars", "tabular-classification"),
    ],
)
def test_the_task_follows_from_the_values(found: list[Any], target: str, task: str) -> None:
    asked = proposal(*found)
    assert suiting(asked, columns.chosen(asked, columns.table(asked)), target) == task


def test_a_number_that_is_said_to_be_a_category_is_classes() -> None:
    asked = proposal(AGE, INCOME)
    said = {"age": Chosen("age", "categorical"), "income": Chosen("income", "categorical")}
    assert suiting(asked, said, "age") == "tabular-classification"


def test_a_task_that_names_its_inputs_goes_before_one_that_takes_any() -> None:
    day = column("day", "datetime")
    asked = proposal(day, AGE)
    said = columns.chosen(asked, columns.table(asked))
    assert suiting(asked, said, "age", [*TASKS, COUNTING]) == "counting"
    assert suiting(asked, said, "age", [COUNTING, *TASKS]) == "counting"
    wider = proposal(day, AGE, WORKCLASS)
    said = columns.chosen(wider, columns.table(wider))
    assert suiting(wider, said, "age", [COUNTING, *TASKS]) == "tabular-regression"


def test_where_no_task_suits_none_is_proposed() -> None:
    said = columns.chosen(PROPOSED, columns.table(PROPOSED))
    assert suiting(PROPOSED, said, "income", [COUNTING]) is None
    assert suiting(PROPOSED, said, "income", []) is None


def test_warnings_about_the_proposed_target_are_not_shown_for_another() -> None:
    assert columns.warnings_for(PROPOSED, "income") == [
        "age: It predicts 'income' almost by itself (99%).",
        "24 of 1000 rows repeat another. The preparation below can leave them out.",
    ]
    assert len(columns.warnings_for(PROPOSED, "age")) == 1


def test_the_form_of_a_date_is_written_as_people_do() -> None:
    found = proposal(column("day", "datetime", reason="Every value is a date written as %d.%m.%Y."))
    assert list(columns.table(found)["Why"]) == ["Every value is a date written as DD.MM.YYYY."]


def test_long_examples_are_cut_to_a_line() -> None:
    found: Any = column("c", "text", examples=["one\ntwo  three", "x" * 500])
    assert columns.examples(found).startswith("one two three · xxx")
    assert len(columns.examples(found)) < 60

"""A table of texts, confirmed: which task it is for, and which tables are none."""

from typing import Any

import pytest

from data_processor.datasets.confirmation import confirm
from data_processor.datasets.confirmed import Confirmed, SchemaConfirmation
from data_processor.service.errors import Invalid


def column(name: str, kind: str, type_: str, distinct: int) -> dict[str, Any]:
    return {"name": name, "kind": kind, "type": type_, "distinct": distinct, "examples": ["x"]}


COMMENTS = [column("comment", "text", "text", 600), column("toxic", "numeric", "integer", 2)]
TITLE = column("title", "text", "text", 590)
STARS = column("stars", "numeric", "integer", 300)


def ask(found: list[dict[str, Any]], **body: Any) -> Confirmed:
    return confirm(SchemaConfirmation.model_validate({"target": "toxic", **body}), {"columns": found}, None)


def errors(found: list[dict[str, Any]], **body: Any) -> dict[tuple[str | int, ...], str]:
    with pytest.raises(Invalid) as refused:
        ask(found, **body)
    return {tuple(error["loc"][1:]): error["message"] for error in refused.value.errors or ()}


@pytest.mark.parametrize("task", [None, "text-classification"])
def test_one_text_and_a_target_with_classes_are_a_text_classification(task: str | None) -> None:
    assert ask(COMMENTS, task=task).task == "text-classification"


def test_what_is_ignored_is_no_input() -> None:
    ignored = {"title": {"kind": "ignored"}, "stars": {"kind": "identifier"}}

    assert ask([*COMMENTS, TITLE, STARS], columns=ignored).task == "text-classification"


def test_a_table_with_other_inputs_stays_a_table() -> None:
    assert ask([*COMMENTS, STARS]).task == "tabular-classification"


def test_a_text_classification_takes_one_text_and_every_other_input_is_named() -> None:
    named = errors([*COMMENTS, TITLE, STARS], task="text-classification")

    assert named.keys() == {("columns", "title", "kind"), ("columns", "stars", "kind")}
    assert "takes one text and nothing else, which is 'comment'" in named["columns", "title", "kind"]
    assert (
        "say which column is of the kind text"
        in errors([*COMMENTS[1:], STARS], task="text-classification")[("columns",)]
    )


def test_quantities_are_not_estimated_from_texts_alone() -> None:
    scored = [COMMENTS[0], column("toxic", "numeric", "number", 500)]

    assert "not estimated from texts alone" in errors(scored)[("target",)]
    assert "not estimated from texts alone" in errors(scored, task="tabular-regression")[("target",)]


AUTHOR = column("author", "categorical", "text", 60)
WHEN = column("when", "datetime", "datetime", 300)
BY_AUTHOR = {"by": "group", "column": "author"}


def test_the_group_is_no_input_unless_a_person_says_so() -> None:
    left_out = ask([*COMMENTS, AUTHOR], holdout=BY_AUTHOR)
    kept = ask([*COMMENTS, AUTHOR], holdout=BY_AUTHOR, columns={"author": {"kind": "categorical"}})

    assert (left_out.columns["author"].kind, left_out.task) == ("identifier", "text-classification")
    assert (kept.columns["author"].kind, kept.task) == ("categorical", "tabular-classification")
    assert ask([*COMMENTS, AUTHOR]).columns["author"].kind == "categorical"


def test_what_decides_is_kept_by_the_new_names_of_its_columns() -> None:
    both = {"by": "group", "column": "author", "time": "when"}
    renamed = {"author": {"name": "Writer"}, "when": {"name": "Date"}}
    confirmed = ask([*COMMENTS, AUTHOR, WHEN], holdout=both, columns=renamed)

    assert confirmed.holdout.model_dump() == {"by": "group", "column": "Writer", "time": "Date"}
    assert ask([*COMMENTS, AUTHOR], holdout={"by": "group", "column": "author"}).holdout.times is None


def test_what_was_confirmed_before_goes_by_rows() -> None:
    stored = ask(COMMENTS).model_dump(mode="json", exclude={"holdout"})

    assert Confirmed.model_validate(stored).holdout.by == "row"


@pytest.mark.parametrize(
    ("holdout", "field", "message"),
    [
        ({"by": "group", "column": "nobody"}, "column", "no column 'nobody'"),
        ({"by": "group", "column": "toxic"}, "column", "is the target"),
        ({"by": "group", "column": "stars"}, "column", "9 different values"),
        ({"by": "time", "column": "author"}, "column", "neither a date nor a number"),
        ({"by": "time", "column": "stars"}, "column", "9 different times"),
        ({"by": "time"}, "column", "name the column that holds the time"),
        ({"by": "row", "column": "author"}, "column", "leave it out by rows"),
        ({"by": "time", "column": "when", "time": "when"}, "time", "is for groups"),
        ({"by": "group", "column": "author", "time": "comment"}, "time", "neither a date nor a number"),
    ],
)
def test_what_cannot_decide_is_refused_with_its_place(
    holdout: dict[str, str], field: str, message: str
) -> None:
    found = [*COMMENTS, AUTHOR, WHEN, column("stars", "numeric", "integer", 9)]

    assert message in errors(found, holdout=holdout)["holdout", field]

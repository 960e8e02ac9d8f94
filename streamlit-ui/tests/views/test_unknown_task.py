"""A task that no page has heard of goes the whole way, from a file to an answer that is corrected."""

import re
from pathlib import Path
from typing import Any

import pytest

import canned
import canned_training
import streamlit_ui
from acting import named, press, said, sent
from canned_schemas import schema
from conftest import Open
from fake_gateway import FakeGateway

SOURCE = Path(streamlit_ui.__file__).parent
DAY = schema({"day": {"type": "string", "format": "date-time", "x-kind": "datetime"}}, ["day"])


@pytest.fixture(autouse=True)
def counting(fake: FakeGateway) -> None:
    """A gateway with a task more than these pages have ever seen."""
    fake.training.tasks.append(canned_training.COUNTING)
    fake.runs = []


@pytest.fixture
def stored(fake: FakeGateway) -> None:
    fake.training.datasets.append(
        canned_training.dataset("visitors", task="counting", target="visitors", classes={})
    )


@pytest.fixture
def trained(fake: FakeGateway) -> None:
    fake.models = {"visitors": canned.model("visitors", DAY, [], task="counting", target="visitors")}


def shown(page: Any) -> str:
    return said(page).replace("\N{NARROW NO-BREAK SPACE}", " ")


def test_it_is_proposed_for_the_columns_that_suit_it(open_page: Open, fake: FakeGateway) -> None:
    fake.training.proposal = canned_training.VISITORS
    page = open_page("data", "engineer")
    page.file_uploader[0].set_value(("Visitors.csv", b"day,visitors\n2026-01-31,120\n", "text/csv"))
    page.run()
    press(page, "Read the file")
    page = open_page("dataset", "engineer", name="visitors")
    task = named(page, "selectbox", "Task")
    assert (task.value, task.options[-1]) == ("counting", "Counting: Say how many there will be on a day.")
    assert "150.5" in said(page)  # the figures of a number, no classes
    named(page, "selectbox", "Datetime").set_value("ignore")
    press(page, "Confirm and store")
    assert sent(fake, "/schema") == [
        {"target": "visitors", "columns": {}, "task": "counting", "preparation": {"datetime": "ignore"}}
    ]


@pytest.mark.usefixtures("stored")
def test_it_is_trained_with_what_it_declares(open_page: Open, fake: FakeGateway) -> None:
    page = open_page("train", "engineer", dataset="visitors")
    assert "visitors (counting, 1 000 rows, predicts visitors)" in [
        option.replace("\N{NARROW NO-BREAK SPACE}", " ")
        for option in named(page, "selectbox", "Dataset").options
    ]
    assert named(page, "selectbox", "Compare candidates by").options == ["Mean absolute error", "R²"]
    how = next(found for found in page.button_group if found.label == "What is tried")
    how.set_value("Manual")
    page.run()
    named(page, "multiselect", "Set manually for Season").set_value(["days"])
    page.run()
    named(page, "number_input", "Days").set_value(14)
    press(page, "Train these candidates")
    assert fake.training.created == [
        {
            "name": "visitors",
            "dataset": "visitors",
            "selection_metric": "mae",
            "policy": {"budget_s": 60},
            "candidates": [{"estimator": "season", "params": {"days": 14}}],
        }
    ]


@pytest.mark.usefixtures("trained")
def test_it_answers_and_is_corrected(open_page: Open, fake: FakeGateway) -> None:
    page = open_page(role="user")
    named(page, "date_time_input", "Day").set_value(canned.NOW.replace(tzinfo=None))
    press(page, "Predict")
    assert "# 1 234.5" in shown(page)
    press(page, "Wrong")
    named(page, "number_input", "True value").set_value(900.0)
    press(page, "Send feedback")
    assert sent(fake, "/feedback") == [{"correct": False, "value": 900.0}]


@pytest.mark.usefixtures("trained")
def test_it_answers_a_whole_file(open_page: Open) -> None:
    page = open_page("upload", "user")
    page.file_uploader[0].set_value(("days.csv", b"day\n2026-01-31\n2026-02-01\n", "text/csv"))
    page.run()
    press(page, "Predict 2 rows")
    assert list(page.dataframe[0].value["Prediction"]) == ["1\u202f234.5", "1\u202f234.5"]


@pytest.mark.usefixtures("stored", "trained")
@pytest.mark.parametrize(("role", "label"), [("engineer", "Counting"), ("user", "Counting")])
def test_every_list_calls_it_by_its_name(open_page: Open, role: str, label: str) -> None:
    assert label in said(open_page("models", role))
    if role == "engineer":
        assert label in said(open_page("data", role))
        assert label in said(open_page("dataset", role, name="visitors"))


@pytest.mark.usefixtures("trained")
def test_a_policy_has_its_metrics_and_what_its_answers_need(open_page: Open) -> None:
    page = open_page("model", section="Policy")
    assert named(page, "selectbox", "Selection metric").options == [
        "Default of the task",
        "Mean absolute error",
        "R²",
    ]
    labels = {field.label for field in page.number_input}
    assert "Tolerance" in labels
    assert "Maximum recall loss" not in labels


def test_no_page_names_a_task_or_asks_which_it_is() -> None:
    branch = re.compile(r"""\btask(\["task"\]|\.task)? *[!=]= *["']|(tabular|text|face)-(class|regr|recog)""")
    found = [
        f"{path.relative_to(SOURCE)}: {line.strip()}"
        for path in SOURCE.rglob("*.py")
        for line in path.read_text().splitlines()
        if branch.search(line)
    ]
    assert found == []

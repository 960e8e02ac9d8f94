from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

import canned_training
from acting import button, confirm, named, press, said, sent
from conftest import Open
from fake_gateway import FakeGateway
from fake_training import STORING


def uploaded(open_page: Open, filename: str = "My People.csv", content: bytes = b"age\n1\n") -> AppTest:
    page = open_page("data", "engineer")
    page.file_uploader[0].set_value((filename, content, "text/csv"))
    page.run()
    assert not page.exception
    return page


def proposed(open_page: Open, fake: FakeGateway, **more: Any) -> AppTest:
    fake.training.proposal = {**canned_training.PROPOSAL, **more}
    press(uploaded(open_page), "Read the file")
    return open_page("dataset", "engineer", name="my-people")


def edit(page: AppTest, row: int, **cells: str) -> AppTest:
    key = next(str(table.key) for table in page.dataframe if str(table.key).startswith("columns "))
    page.session_state[key] = {"edited_rows": {row: cells}, "added_rows": [], "deleted_rows": []}
    return page.run()


def test_datasets_are_listed_with_their_state(open_page: Open) -> None:
    shown = said(open_page("data", "engineer"))
    assert "census-income" in shown
    assert "predicts income" in shown


def test_a_file_is_named_after_itself_and_leads_to_its_columns(open_page: Open, fake: FakeGateway) -> None:
    page = uploaded(open_page, content=b"age\n1\n")
    assert named(page, "text_input", "Name of the dataset").value == "my-people"
    press(page, "Read the file")
    assert [title.value for title in page.title] == ["my\\-people"]
    (given,) = sent(fake, "/v1/datasets")
    assert given == {"name": "my-people", "file": ("My People.csv", b"age\n1\n")}
    assert "Columns" in [heading.value for heading in page.subheader]


CHOICES = [
    {"field": "header", "taken": None, "value": False, "label": "The first row holds values"},
    {"field": "skip_rows", "taken": 2, "value": None, "label": "Look for the table again"},
]


def with_choices(open_page: Open, fake: FakeGateway) -> AppTest:
    source = {**canned_training.PROPOSAL["source"], "notes": ["Column 5 was left out."], "choices": CHOICES}
    proposal = {**canned_training.PROPOSAL, "source": source}
    fake.training.datasets.append(
        canned_training.dataset("odd", state="proposed", version=None, proposal=proposal)
    )
    return open_page("dataset", "engineer", name="odd")


def test_a_file_is_read_in_another_way_with_one_click(open_page: Open, fake: FakeGateway) -> None:
    page = with_choices(open_page, fake)
    assert "Column 5 was left out" in said(page)
    press(page, "The first row holds values")
    assert sent(fake, "/v1/datasets/odd/reading") == [{"header": False}]
    assert "The rows are values" in said(page)
    assert not page.exception


def test_another_reading_that_is_refused_says_why_and_the_first_one_stays(
    open_page: Open, fake: FakeGateway
) -> None:
    page = with_choices(open_page, fake)
    press(page, "Look for the table again")
    assert sent(fake, "/v1/datasets/odd/reading") == [{"skip_rows": None}]
    assert "Column 2 has no name" in said(page)
    assert "Column 5 was left out" in said(page)


def test_how_to_read_it_is_sent_when_somebody_says_so(open_page: Open, fake: FakeGateway) -> None:
    page = uploaded(open_page)
    named(page, "selectbox", "Column names").set_value("The file has no column names")
    named(page, "selectbox", "Separator").set_value("Tab")
    press(page, "Read the file")
    (given,) = sent(fake, "/v1/datasets")
    assert (given["header"], given["delimiter"], "decimal" in given) == ("false", "tab", False)


def test_a_file_that_is_refused_says_why(open_page: Open) -> None:
    page = press(uploaded(open_page, content=b" "), "Read the file")
    assert not page.error
    page = press(uploaded(open_page, content=b""), "Read the file")
    assert "The file is empty" in said(page)
    assert [title.value for title in page.title] == ["Data"]


@pytest.mark.parametrize("status", [409, 413, 422])
def test_any_refusal_of_an_upload_is_a_sentence(open_page: Open, fake: FakeGateway, status: int) -> None:
    page = uploaded(open_page)
    fake.trouble("/v1/datasets", status, "It is too much for me.")
    press(page, "Read the file")
    assert "It is too much for me" in said(page)


def test_what_is_too_large_for_a_page_has_its_command(open_page: Open) -> None:
    commands = [block.value for block in open_page("data", "engineer").code]
    assert any(command.startswith("curl -H") and "/v1/datasets" in command for command in commands)


def test_the_proposal_shows_kinds_reasons_classes_and_warnings(open_page: Open, fake: FakeGateway) -> None:
    page = proposed(open_page, fake)
    table = next(found.value for found in page.dataframe if found.editing_mode == "fixed")
    assert list(table["Kind"]) == ["Number", "Category", "Category"]
    assert "**2 classes**; the rarest has 240 of 1 000 rows" in said(page).replace("\u202f", " ")
    assert "24 of 1000 rows repeat another" in said(page)
    assert named(page, "selectbox", "Column to predict").value == "income"
    assert named(page, "selectbox", "Task").value == "tabular-classification"


def test_confirming_as_proposed_sends_target_and_task(open_page: Open, fake: FakeGateway) -> None:
    press(proposed(open_page, fake), "Confirm and store")
    assert sent(fake, "/schema") == [{"target": "income", "columns": {}, "task": "tabular-classification"}]


def test_what_was_corrected_is_sent(open_page: Open, fake: FakeGateway) -> None:
    page = edit(proposed(open_page, fake), 0, Name="Age in years", Kind="Left out")
    assert "Age in years" in named(page, "selectbox", "Column to predict").options
    named(page, "selectbox", "Numeric missing").set_value("mean")
    named(page, "checkbox", "Leave out duplicate rows").set_value(True)
    press(page, "Confirm and store")
    assert sent(fake, "/schema") == [
        {
            "target": "income",
            "columns": {"age": {"kind": "ignored", "name": "Age in years"}},
            "task": "tabular-classification",
            "preparation": {"numeric_missing": "mean", "drop_duplicates": True},
        }
    ]


def test_classes_with_too_few_rows_can_be_merged(open_page: Open, fake: FakeGateway) -> None:
    rare = {**canned_training.INCOME, "distinct": 3, "counts": {"<=50K": 760, ">50K": 236, "unknown": 4}}
    columns = [canned_training.AGE, canned_training.WORKCLASS, rare]
    fake.training.proposal = {**canned_training.PROPOSAL, "columns": columns}
    press(uploaded(open_page), "Read the file")
    page = open_page("dataset", "engineer", name="my-people")
    named(page, "selectbox", "Classes with fewer than 10 rows").set_value("merge")
    page.run()
    named(page, "text_input", "Name of the merged class").set_value("neither")
    press(page, "Confirm and store")
    assert sent(fake, "/schema")[0]["preparation"] == {"rare_classes": {"action": "merge", "into": "neither"}}


def test_another_target_brings_its_task_and_its_figures(open_page: Open, fake: FakeGateway) -> None:
    page = proposed(open_page, fake)
    named(page, "selectbox", "Column to predict").set_value("age")
    page.run()
    assert named(page, "selectbox", "Task").value == "tabular-regression"
    assert "38.6" in said(page)
    assert "almost by itself" not in said(page)


def test_rows_that_belong_together_are_shown_and_held_out_with_one_click(
    open_page: Open, fake: FakeGateway
) -> None:
    page = proposed(open_page, fake, holdout=canned_training.BELONGING)
    assert "remembers what it has seen of each workclass" in said(page)
    assert "150" in said(page)
    press(page, "Hold out groups of workclass")
    assert named(page, "selectbox", "Column of the groups").value == "workclass"
    press(page, "Confirm and store")
    (given,) = sent(fake, "/schema")
    assert given["holdout"] == {"by": "group", "column": "workclass"}


def test_groups_whose_rows_follow_each_other_are_held_out_with_their_time(
    open_page: Open, fake: FakeGateway
) -> None:
    page = proposed(open_page, fake, holdout=canned_training.BELONGING)
    press(page, "Hold out groups of workclass")
    named(page, "selectbox", "Column of the time, if rows also follow each other").set_value("age")
    page.run()
    press(page, "Confirm and store")
    (given,) = sent(fake, "/schema")
    assert given["holdout"] == {"by": "group", "column": "workclass", "time": "age"}


def test_another_target_is_looked_at_again(open_page: Open, fake: FakeGateway) -> None:
    page = proposed(open_page, fake, holdout=canned_training.BELONGING)
    named(page, "selectbox", "Column to predict").set_value("age")
    page.run()
    assert "For the age, single rows will do" in said(page)
    assert "remembers" not in said(page)


def test_texts_are_recognised_as_such(open_page: Open, fake: FakeGateway) -> None:
    fake.training.proposal = canned_training.COMMENTS
    page = press(uploaded(open_page, "comments.csv"), "Read the file")
    assert named(page, "selectbox", "Task").value == "text-classification"


def test_what_is_wrong_is_said_beside_what_caused_it(open_page: Open, fake: FakeGateway) -> None:
    page = proposed(open_page, fake)
    named(page, "selectbox", "Column to predict").set_value("age")
    page.run()
    press(page, "Confirm and store")
    errors = [error.value.replace("\\", "") for error in page.error]
    assert errors == [
        "**workclass**: It cannot be numeric.",
        "There is nothing to tell apart.",
        "The dataset was not stored. See the errors above.",
    ]


def test_storing_shows_its_progress_and_ends_by_itself(open_page: Open, fake: FakeGateway) -> None:
    fake.runs.append({**STORING, "dataset": "my-people"})
    page = proposed(open_page, fake)
    fake.training.datasets[-1]["run"] = "run-9"
    press(page, "Confirm and store")
    assert page.get("progress")[0].proto.text == "Writing the tables to the warehouse"
    fake.training.datasets[-1].update(state="ready", version=1)
    page.run()
    assert "Train a model on it" in [link.proto.label for link in page.get("page_link")]


def test_what_could_not_be_stored_says_why_and_can_be_confirmed_again(
    open_page: Open, fake: FakeGateway
) -> None:
    failed = canned_training.dataset("broken", state="failed", version=None, error="The disk is full.")
    fake.training.datasets.append(failed)
    page = open_page("dataset", "engineer", name="broken")
    assert "The disk is full" in said(page)
    press(page, "Confirm and store")
    assert len(sent(fake, "/schema")) == 1


def test_a_headerless_file_asks_for_names(open_page: Open, fake: FakeGateway) -> None:
    source = {**canned_training.PROPOSAL["source"], "header": False}
    proposal = {**canned_training.PROPOSAL, "source": source}
    fake.training.datasets.append(
        canned_training.dataset("bare", state="proposed", version=None, proposal=proposal)
    )
    assert "has no column names" in said(open_page("dataset", "engineer", name="bare"))


@pytest.mark.parametrize("part", ["Overview", "Profile", "Versions", "New version"])
def test_each_part_of_a_stored_dataset_shows(open_page: Open, part: str) -> None:
    page = open_page("dataset", "engineer", name="census-income", part=part)
    assert not page.exception
    assert not page.error


def test_versions_show_their_difference(open_page: Open) -> None:
    page = open_page("dataset", "engineer", name="census-income", part="Versions")
    assert "Added: “height”" in said(page)


def test_the_next_version_goes_to_the_same_dataset(open_page: Open, fake: FakeGateway) -> None:
    page = open_page("dataset", "engineer", name="census-income", part="New version")
    page.file_uploader[0].set_value(("newer.csv", b"age\n1\n", "text/csv"))
    page.run()
    press(page, "Read the file")
    assert sent(fake, "/v1/datasets")[0]["name"] == "census-income"


def test_a_dataset_that_is_used_is_not_deleted_and_says_why(open_page: Open, fake: FakeGateway) -> None:
    page = press(open_page("dataset", "engineer", name="census-income"), "Delete…")
    confirm(page, "Delete…", "Yes, delete")
    assert "model 'census-income' uses it" in said(page)
    assert fake.training.datasets


def test_a_dataset_is_deleted_once_somebody_said_yes(open_page: Open, fake: FakeGateway) -> None:
    fake.training.datasets[0]["models"] = []
    page = press(open_page("dataset", "engineer", name="census-income"), "Delete…")
    assert fake.training.datasets
    confirm(page, "Delete…", "Yes, delete")
    assert fake.training.datasets == []
    assert button(page, "Sign out")

import canned
from acting import confirm, press, said, sent, wrapped_table
from conftest import Open
from fake_gateway import FakeGateway


def test_a_run_starts_with_budget_and_reason_and_is_shown(open_page: Open, fake: FakeGateway) -> None:
    fake.runs = []
    page = press(open_page("runs", "engineer"), "Start a run")
    page.number_input[0].set_value(5)
    page.text_input[0].set_value("new labels")
    confirm(page, "Start a run", "Yes, start")
    assert sent(fake, "/runs") == [{"budget_s": 5, "reason": "new labels"}]
    assert [title.value for title in page.title] == ["Run"]


def test_a_second_run_is_refused_with_a_way_to_the_open_one(open_page: Open) -> None:
    page = press(open_page("runs", "engineer"), "Start a run")
    confirm(page, "Start a run", "Yes, start")
    assert "run-4 is still open" in said(page)


def test_an_open_run_shows_its_step_and_can_be_cancelled(open_page: Open, fake: FakeGateway) -> None:
    page = open_page("run", "engineer", id="run-4")
    assert page.get("progress")[0].proto.text == "Searching for candidates"
    press(page, "Cancel run")
    confirm(page, "Cancel run", "Yes, cancel it")
    assert fake.runs[0]["status"] == "cancelled"
    assert "Cancel run" not in [found.label for found in page.button]


def test_a_cancelled_run_needs_a_yes(open_page: Open, fake: FakeGateway) -> None:
    press(open_page("run", "engineer", id="run-4"), "Cancel run")
    assert fake.runs[0]["status"] == "running"


def test_a_run_that_ended_cannot_be_cancelled(open_page: Open) -> None:
    page = open_page("run", "engineer", id="run-2")
    assert "Cancel run" not in [found.label for found in page.button]


def test_a_failed_run_says_why(open_page: Open) -> None:
    assert "has no rows of the class" in said(open_page("run", "engineer", id="run-3"))


def test_the_leaderboard_is_in_words(open_page: Open) -> None:
    table = wrapped_table(open_page("run", "engineer", id="run-2"))
    assert table["Candidate"][0] == "Hist gradient boosting"
    assert table["Settings"][0] == "learning rate 0.08"
    assert list(table["ROC AUC"]) == ["0.926", "0.92", "0.905"]
    assert list(table["Per row"]) == ["11 µs", "34 µs", "2 µs"]


def test_a_version_that_waits_for_a_maintainer_says_why(open_page: Open, fake: FakeGateway) -> None:
    run = next(run for run in fake.runs if run["id"] == "run-2")
    run["gate"] = {**run["gate"], "waits": "A maintainer has to promote this version."}
    page = open_page("run", "engineer", id="run-2")
    assert len(page.warning) == 1
    assert "A maintainer has to promote this version." in said(page)


def test_the_receipt_of_the_gate_is_in_words(open_page: Open) -> None:
    shown = said(open_page("run", "engineer", id="run-2"))
    assert "The challenger is right on 31 rows" in shown
    assert "Recent feedback" in shown


def test_only_some_runs_are_listed_at_first(open_page: Open, fake: FakeGateway) -> None:
    fake.runs = [canned.run(f"run-{number}") for number in range(45)]
    page = open_page("runs", "engineer")
    assert "25 older runs not shown" in said(page)
    press(page, "Show older")
    assert "5 older runs not shown" in said(page)


def test_background_work_of_every_kind_is_listed_with_what_it_is_about(
    open_page: Open, fake: FakeGateway
) -> None:
    fake.runs = [dict(canned.EVALUATED), dict(canned.STORING_FAILED), dict(canned.RUNNING)]
    shown = said(open_page("runs", "engineer"))
    assert "**Evaluation** census-income" in shown
    assert "**Storing** people" in shown
    assert "**Training** census-income" in shown
    assert "The table has no column 'age'." in shown


def test_runs_are_filtered_by_kind_and_status(open_page: Open, fake: FakeGateway) -> None:
    fake.runs = [dict(canned.EVALUATED), dict(canned.STORING_FAILED), canned.run("run-2")]
    page = open_page("runs", "engineer")
    page.button_group[0].set_value("dataset")
    page.run()
    assert [link.proto.query_string for link in page.main.get("page_link")] == ["id=run-5"]
    page.button_group[1].set_value("succeeded")
    page.run()
    assert "No such run" in said(page)


def test_runs_are_listed_before_there_is_a_model(open_page: Open, fake: FakeGateway) -> None:
    fake.models, fake.runs = {}, [dict(canned.STORING_FAILED)]
    assert "**Storing** people" in said(open_page("runs", "engineer"))


def test_an_evaluations_result_is_shown_with_it(open_page: Open, fake: FakeGateway) -> None:
    fake.runs = [dict(canned.EVALUATED)]
    page = open_page("run", "engineer", id="run-6")
    table = page.dataframe[0].value
    assert list(table["Version"]) == ["1", "2"]
    assert list(table["ROC AUC"]) == ["0.9", "0.926"]
    assert "800 rows used" in said(page)
    assert "Gate" not in said(page)


def test_a_version_that_was_made_can_be_asked_at_once(open_page: Open, fake: FakeGateway) -> None:
    fake.runs[2]["model"] = "rents"
    page = press(open_page("run", "engineer", id="run-2"), "Predict with it")
    assert [title.value for title in page.title] == ["Predict"]
    assert page.sidebar.selectbox[0].value == "rents"
    assert "Predict with it" not in [found.label for found in open_page("run", "engineer", id="run-4").button]

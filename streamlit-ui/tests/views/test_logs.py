import pytest

import canned
from acting import named, said
from conftest import Open
from fake_gateway import FakeGateway

LOG = """2026-01-31T12:00:00Z STATUS status=running
2026-01-31T12:00:01Z WARNING 3 rows were left out
2026-01-31T12:00:02Z ERROR Traceback
ValueError: no
"""


@pytest.fixture(autouse=True)
def log(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(canned, "LOG", LOG)


def test_the_logs_of_all_runs_are_told_together(open_page: Open, fake: FakeGateway) -> None:
    shown = open_page("logs", "engineer").code[0].value
    assert shown.count("[run-2]") == 3
    assert shown.index("STATUS") < shown.index("WARNING")
    assert len({line.split("]")[0] for line in shown.splitlines() if line.startswith("[")}) == len(fake.runs)


def test_one_run_level_and_text_narrow_it(open_page: Open) -> None:
    page = open_page("logs", "engineer", run="run-2")
    named(page, "selectbox", "Show").set_value("Warnings and errors")
    page.run()
    assert page.code[0].value == LOG.split("\n", 1)[1].strip()
    named(page, "text_input", "Containing").set_value("valueerror")
    page.run()
    assert page.code[0].value.startswith("2026-01-31T12:00:02Z ERROR")
    assert "1 of 3 entries" in said(page)


def test_a_kind_of_work_narrows_the_runs(open_page: Open, fake: FakeGateway) -> None:
    fake.runs[0]["kind"] = "dataset"
    page = open_page("logs", "engineer")
    page.button_group[0].set_value("dataset")
    page.run()
    assert len(named(page, "selectbox", "Run").options) == 2
    assert "run-2" not in page.code[0].value


def test_what_is_shown_and_all_of_it_can_be_downloaded(open_page: Open) -> None:
    page = open_page("logs", "engineer", run="run-2")
    assert [found.label for found in page.download_button] == [
        "Download what is shown",
        "Download all of it",
    ]


def test_a_log_that_ended_is_asked_for_once(open_page: Open, fake: FakeGateway) -> None:
    page = open_page("logs", "engineer", run="run-2")
    page.run()
    asked = [path for _, path, _, _ in fake.requests if path.endswith("/run-2/logs")]
    assert len(asked) == 1


def test_without_runs_there_is_no_log(open_page: Open, fake: FakeGateway) -> None:
    fake.runs = []
    assert "No log yet" in said(open_page("logs", "engineer"))

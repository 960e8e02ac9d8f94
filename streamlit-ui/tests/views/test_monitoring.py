import pytest

from acting import named, said
from conftest import Open
from fake_gateway import FakeGateway
from streamlit_ui.settings import settings


def test_all_models_are_there_at_a_glance(open_page: Open, fake: FakeGateway) -> None:
    found = said(open_page("monitoring"))
    for name in fake.models:
        assert f"**{name}**" in found
    assert "1\u202f200 predictions in 24 hours · 95 % within 3.4 ms · 3 refused" in found
    assert "threshold 80 %" in found
    assert "3 refused · drift in 1 feature" in found


def test_the_address_names_the_model(open_page: Open) -> None:
    page = open_page("monitoring", model="flowers")
    assert [found.value for found in page.subheader] == ["flowers"]
    assert page.query_params["model"] == "flowers"


@pytest.mark.parametrize("section", ["Score", "Drift", "Traffic", "Runs and promotions", "Logs"])
@pytest.mark.parametrize("empty", [True, False])
def test_each_section_shows(open_page: Open, fake: FakeGateway, section: str, *, empty: bool) -> None:
    if empty:
        fake.empty()
    page = open_page("monitoring", monitored=section)
    assert not page.exception
    assert not page.error


def test_no_verdict_on_drift_is_neither_drift_nor_none(open_page: Open, fake: FakeGateway) -> None:
    fake.drift = fake.drift[1:]
    page = open_page("monitoring", monitored="Drift")
    found = said(page)
    assert "3 refused · no verdict on drift" in found
    assert "No verdict" in found
    assert "Neither drift nor its absence" in found


def test_a_drift_report_leads_to_its_charts(open_page: Open) -> None:
    page = open_page("monitoring", monitored="Drift")
    [link] = [found.proto.url for found in page.get("link_button")]
    assert link == "drift-reports/census-income/drift-1"
    labels = {found.proto.label for found in page.get("download_button")}
    assert labels == {"Download as HTML", "Download as JSON"}


def test_latency_is_told_with_what_was_refused(open_page: Open) -> None:
    page = open_page("monitoring", monitored="Traffic")
    assert {found.label: found.value for found in page.metric}["95 % within"] == "3.4 ms"
    assert "3 requests refused: overloaded 3" in said(page)


def test_log_lines_are_text(open_page: Open, fake: FakeGateway) -> None:
    page = open_page("monitoring", monitored="Logs")
    [code] = page.code
    assert code.value == "[pipeline-api] 2026-01-01T00:00:00Z [warning] slow trace_id=0af7 <img src=x>"
    named(page, "selectbox", "Least level").set_value("Errors")
    named(page, "text_input", "With this text").set_value("0af7")
    named(page, "selectbox", "Service").set_value("pipeline-api")
    page.run()
    asked = [target for _, target, _, _ in fake.requests if target.startswith("/v1/logs")][-1]
    assert asked == "/v1/logs?level=error&limit=300&service=pipeline-api&containing=0af7"


def test_a_stage_without_log_files_says_so(open_page: Open, fake: FakeGateway) -> None:
    fake.service_logs = {"kept": False, "services": [], "entries": []}
    assert "This stage keeps no log files" in said(open_page("monitoring", monitored="Logs"))


def test_a_stage_that_collects_its_logs_links_to_them(
    open_page: Open, fake: FakeGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOGS_URL", "https://grafana.example.org/explore")
    settings.cache_clear()
    page = open_page("monitoring", monitored="Logs")
    assert "This stage sends its logs there" in said(page)
    assert not [target for _, target, _, _ in fake.requests if target.startswith("/v1/logs")]

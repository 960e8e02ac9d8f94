"""The dashboards that Grafana reads: what a newcomer finds on each panel, and what their queries answer."""

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest

from compose_stack.observability.__main__ import DASHBOARDS, SAMPLE
from compose_stack.observability.asking import questions
from compose_stack.observability.dashboards import files
from compose_stack.observability.dashboards.frame import RUNBOOKS
from compose_stack.observability.prometheus import RULES, configuration
from compose_stack.settings import ROOT
from declared_signals import declared, shown
from real_prometheus import page, prometheus
from unanswered import UNANSWERED

HERE = Path(__file__).parent
CHOSEN = {
    "stage": "main",
    "model": "census-income",
    "__rate_interval": "30s",
    "__range": "1h",
    "site": "https://main.example.org",
}
VIEWS = ROOT / "streamlit-ui" / "src" / "streamlit_ui" / "views"


def boards() -> dict[str, dict[str, Any]]:
    return {path.name: json.loads(path.read_text()) for path in sorted(DASHBOARDS.glob("*.json"))}


def panels() -> list[tuple[str, dict[str, Any]]]:
    return [
        (board["title"], panel)
        for board in boards().values()
        for panel in board["panels"]
        if panel["type"] != "row"
    ]


def test_the_files_are_what_the_code_says(tmp_path: Path) -> None:
    assert files.differing(DASHBOARDS) == []
    files.write(tmp_path)
    (tmp_path / "fleet.json").write_text("{}")
    (tmp_path / "old.json").write_text("{}")
    assert files.differing(tmp_path) == ["fleet.json", "old.json"]


def test_there_is_a_dashboard_for_each_question() -> None:
    assert {board["title"] for board in boards().values()} == {
        "Fleet",
        "Model",
        "Serving",
        "Training",
        "Platform",
    }
    for board in boards().values():
        assert board["schemaVersion"] >= 41, "the schema of Grafana 11.6"
        assert board["editable"] is False
        assert board["description"]
    (marked,) = (board["annotations"]["list"] for name, board in boards().items() if name == "model.json")
    assert {mark["name"] for mark in marked} == {"Promotion", "Run ended"}
    assert all(mark["titleFormat"] and mark["textFormat"] for mark in marked)


@pytest.mark.parametrize(
    ("board", "panel"), panels(), ids=lambda value: "" if isinstance(value, dict) else value
)
def test_a_newcomer_understands_a_panel_and_can_go_on(board: str, panel: dict[str, Any]) -> None:
    where = f"{board}: {panel['title']}"
    assert len(panel["title"].split()) <= 8, where
    assert "_" not in panel["title"], where
    assert len(panel["description"].split()) >= 4, where
    assert panel["description"].endswith("."), where
    defaults = panel["fieldConfig"]["defaults"]
    assert defaults["unit"], where
    assert defaults["noValue"].endswith("."), where
    links = [link["url"] for link in (*(panel.get("links") or ()), *(defaults.get("links") or ()))]
    assert links, where
    for url in links:
        follow(url, where)


def follow(url: str, where: str) -> None:
    """Open a link: a page of the platform, a runbook, or another dashboard."""
    if url.startswith(RUNBOOKS):
        pages = ROOT / "docs" / "how-to" / "runbooks"
        if pages.exists():
            assert (pages / f"{url.rpartition('/')[2].removesuffix('.html')}.md").exists(), f"{where}: {url}"
    elif url.startswith("${site}/"):
        view = re.split(r"[?]", url.removeprefix("${site}/"))[0]
        if VIEWS.exists():
            assert (VIEWS / f"{view}.py").exists(), f"{where}: {url}"
    elif url.startswith("/d/"):
        uid = url.removeprefix("/d/").partition("?")[0]
        assert uid in {board["uid"] for board in boards().values()}, f"{where}: {url}"
    else:
        assert url.startswith("/explore?"), f"{where}: {url}"


def test_graphs_of_latencies_show_exemplars_and_they_lead_to_traces() -> None:
    for board, panel in panels():
        for target in panel["targets"]:
            if "_bucket" in target.get("expr", "") and not target.get("instant"):
                assert target["exemplar"] is True, f"{board}: {panel['title']}"


def test_every_variable_is_one_that_somebody_chooses() -> None:
    asked = list(questions(DASHBOARDS, CHOSEN))
    assert len(asked) > 60
    assert {question.source for question in asked} == {"mimir", "loki", "tempo"}
    assert not any("$" in question.text for question in asked)


def test_every_query_is_answered_by_what_is_declared(tmp_path: Path) -> None:
    metrics = declared()
    if not metrics:
        pytest.skip("This folder is a repository of its own here; what the services declare is in others.")
    others = (HERE / "collector.prom").read_text()
    config = configuration(SAMPLE, {}, every="1s")
    with page(lambda scrape: others + shown(metrics, scrape)) as address:
        everything = {"job_name": "all", "honor_labels": True, "static_configs": [{"targets": [address]}]}
        config["scrape_configs"] = [everything]
        with prometheus(tmp_path, config) as server:
            waiting = [one for one in questions(DASHBOARDS, CHOSEN) if server.backends.knows(one)]
            deadline = time.monotonic() + 150
            while True:
                waiting = [
                    one for one in waiting if not server.backends.ask(one, server.since, time.time() + 1)
                ]
                if not waiting:
                    break
                assert time.monotonic() < deadline, "nothing answers\n" + "\n".join(map(str, waiting))
                time.sleep(0.5)
            assert server.unhealthy_rules() == []


def test_no_entry_of_the_list_is_left_over() -> None:
    texts = [question.text for question in questions(DASHBOARDS, CHOSEN)]
    for metric, reason in UNANSWERED.items():
        assert any(metric in text for text in texts), metric
        assert reason.condition, metric
        path, _, name = reason.test.partition("::")
        assert f"def {name}" in (HERE.parent / path).read_text(), reason.test


def test_rules_and_dashboards_agree_on_names() -> None:
    recorded = set(re.findall(r"record: (\S+)", "\n".join(p.read_text() for p in RULES.glob("*.yaml"))))
    used = {
        name
        for question in questions(DASHBOARDS, CHOSEN)
        for name in re.findall(r"\b[a-z_]+:[a-z_]+:[a-z_0-9]+\b", question.text)
    }
    assert used <= recorded

"""The rules that Mimir evaluates: each alert has a cause that makes it fire, and a page on what to do."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from compose_stack.observability.dashboards.frame import RUNBOOKS
from compose_stack.observability.prometheus import RULES
from compose_stack.settings import ROOT

TESTS = Path(__file__).parent / "rules"
PAGES = ROOT / "docs" / "how-to" / "runbooks"
FIRING = re.compile(r'alertname="([A-Za-z]+)"')


def alerts() -> list[dict[str, Any]]:
    return [rule for rule in rules() if "alert" in rule]


def rules() -> Iterator[dict[str, Any]]:
    for path in sorted(RULES.glob("*.yaml")):
        for group in yaml.safe_load(path.read_text())["groups"]:
            yield from group["rules"]


@pytest.mark.parametrize("name", [path.name for path in sorted(TESTS.glob("*.test.yaml"))])
def test_alerts_fire_when_they_should_and_not_otherwise(name: str, tmp_path: Path) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed: it is in Debian's package `prometheus`")
    for path in RULES.glob("*.yaml"):
        shutil.copy(path, tmp_path)
    shutil.copy(TESTS / name, tmp_path)
    done = subprocess.run(
        (promtool, "test", "rules", name), cwd=tmp_path, check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_is_seen_to_fire() -> None:
    expected = [
        sample["labels"]
        for path in TESTS.glob("*.test.yaml")
        for case in yaml.safe_load(path.read_text())["tests"]
        for question in case["promql_expr_test"]
        for sample in question["exp_samples"]
    ]
    fired = {name for labels in expected for name in FIRING.findall(labels)}
    assert fired == {alert["alert"] for alert in alerts()}


def test_every_window_of_an_objective_is_seen_to_fire() -> None:
    expected = "\n".join(path.read_text() for path in TESTS.glob("*.test.yaml"))
    for objective in ("RequestsFail", "PredictionsAreSlow"):
        windows = {alert["labels"]["window"] for alert in alerts() if alert["alert"] == objective}
        assert windows == {"1h", "6h", "1d", "3d"}
        lines = [line for line in expected.splitlines() if f'alertname="{objective}"' in line]
        assert {re.findall(r'window="(\w+)"', line)[0] for line in lines} == windows


def test_every_alert_says_how_bad_it_is_and_leads_to_its_runbook() -> None:
    if not PAGES.exists():
        pytest.skip("This folder is a repository of its own here; the runbooks are in another.")
    listed = (PAGES / "index.md").read_text()
    for alert in alerts():
        name = alert["alert"]
        assert alert["labels"]["severity"] in ("page", "ticket"), name
        assert {"summary", "description", "runbook_url"} == set(alert["annotations"]), name
        base, _, slug = alert["annotations"]["runbook_url"].rpartition("/")
        assert base == RUNBOOKS, name
        page = PAGES / f"{slug.removesuffix('.html')}.md"
        assert f"`{name}`" in page.read_text().split("\n\n")[1], (
            f"{page} does not say that it is about {name}"
        )
        assert f"| `{name}` | " in listed, name
    assert {alert["alert"] for alert in alerts()} == set(re.findall(r"^\| `(\w+)` \|", listed, re.MULTILINE))


def test_the_expressions_of_alerts_use_no_label_that_callers_choose() -> None:
    for rule in rules():
        assert not re.search(r"by \([^)]*\b(trace_id|prediction|user|path|url)\b", rule["expr"]), rule

"""What the queries for counters answer, by promtool: what happens first happens, too."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from compose_stack.observability.asking import filled
from compose_stack.observability.dashboards.counting import grown, happened

LEADER = {"series": 'loopkeeper_worker_leader{stage="main"}', "values": "1x20"}
RUNS = "runs_total"
ENDED = happened(RUNS, 'stage="main"', "kind", 'stage="main"')
GROWN = filled(grown(RUNS, 'stage="main"'), {"__range": "10m"})


def runs(kind: str, values: str) -> dict[str, str]:
    return {"series": f'{RUNS}{{stage="main", kind="{kind}"}}', "values": values}


def check(folder: Path, series: list[dict[str, str]], *asked: tuple[str, str, dict[str, float]]) -> None:
    """Ask queries at times, of series that are scraped every 15 s, and expect values by kind."""
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed: it is in Debian's package prometheus")
    tests: list[dict[str, Any]] = [
        {
            "expr": f"sum by (kind) ({query})",
            "eval_time": at,
            "exp_samples": [
                {"labels": f'{{kind="{kind}"}}', "value": value} for kind, value in expected.items()
            ],
        }
        for at, query, expected in asked
    ]
    file = folder / "test.yaml"
    file.write_text(
        yaml.safe_dump({"tests": [{"interval": "15s", "input_series": series, "promql_expr_test": tests}]})
    )
    done = subprocess.run((promtool, "test", "rules", file), check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_run_is_marked_for_a_minute_if_it_is_the_first_of_its_kind_or_one_more(tmp_path: Path) -> None:
    series = [LEADER, runs("first", "_x7 1x12"), runs("more", "3x7 4x12")]
    check(
        tmp_path,
        series,
        ("1m30s", ENDED, {}),
        ("2m15s", ENDED, {"first": 1, "more": 1}),
        ("3m30s", ENDED, {}),
    )


def test_what_is_told_for_the_first_time_has_not_just_happened(tmp_path: Path) -> None:
    late = {**LEADER, "values": "_x7 1x12"}
    check(tmp_path, [late, runs("old", "_x7 5x12")], ("2m15s", ENDED, {}), ("4m", ENDED, {}))


def test_what_a_series_begins_with_counts(tmp_path: Path) -> None:
    check(tmp_path, [LEADER, runs("first", "_x7 1x12")], ("4m", GROWN, {"first": 1}))

"""Pictures of dashboards: what stands on them, and that it fits."""

import json
from pathlib import Path
from typing import Any, cast
from xml.etree import ElementTree as ET

import pytest

from compose_stack.observability.asking import Backends, Question
from compose_stack.observability.pictures.boards import picture
from compose_stack.observability.pictures.units import written

START, END = 1_000_000.0, 1_000_060.0
Found = list[dict[str, Any]]


class Answering:
    """A data source that answers every query alike, or only some sources' queries."""

    def __init__(self, found: Found, *sources: str) -> None:
        self._found = found
        self._sources = sources or ("mimir",)

    def knows(self, question: Question) -> bool:
        return question.source in self._sources

    def answer(self, _question: Question, _start: float, _end: float) -> Found:
        return self._found


def drawn(tmp_path: Path, kind: str, unit: str, found: Found, source: str = "mimir") -> list[str]:
    """Return what stands on the picture of a dashboard with one panel."""
    panel = {
        "type": kind,
        "title": "Score <of> each",
        "gridPos": {"x": 0, "y": 0, "w": 12, "h": 8},
        "fieldConfig": {"defaults": {"unit": unit, "noValue": "No score yet.", "custom": {}}},
        "targets": [{"expr": "score", "datasource": {"uid": source}, "legendFormat": "{{model}}"}],
    }
    board = {"title": "Fleet", "description": "All.", "panels": [panel], "templating": {}}
    path = tmp_path / "board.json"
    path.write_text(json.dumps(board))
    svg = picture(path, cast("Backends", Answering(found)), {}, START, END)
    return [text for element in ET.fromstring(svg).iter() if (text := element.text)]  # noqa: S314  # our own


def of_model(name: str, *values: str) -> dict[str, Any]:
    return {
        "metric": {"model": name},
        "values": [[END - 5 * (len(values) - 1 - n), v] for n, v in enumerate(values)],
    }


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.8312, "percentunit", "83.1%"),
        (0.0042, "s", "4.2 ms"),
        (7200.0, "s", "2 h"),
        (250.0, "ms", "250 ms"),
        (1536.0, "bytes", "1.5 KiB"),
        (0.0, "bytes", "0 B"),
        (12_345.0, "short", "12.3 K"),
        (3.5, "reqps", "3.5 req/s"),
        (0.0, "short", "0"),
        (-0.06, "percentunit", "-6%"),
    ],
)
def test_a_number_has_three_digits_and_its_unit(value: float, unit: str, text: str) -> None:
    assert written(value, unit) == text


@pytest.mark.parametrize("kind", ["timeseries", "stat", "table"])
def test_a_panel_has_its_title_and_the_last_value_of_each_series(tmp_path: Path, kind: str) -> None:
    said = drawn(tmp_path, kind, "percentunit", [of_model("a", "0.5", "0.9"), of_model("b", "0.1", "NaN")])
    assert "Score <of> each" in said
    assert {"a: 90%", "b: 10%"} <= set(said) or {"a", "90%", "b", "10%"} <= set(said)


def test_a_panel_without_data_says_why(tmp_path: Path) -> None:
    assert "No score yet." in drawn(tmp_path, "timeseries", "s", [])
    assert "No score yet." in drawn(tmp_path, "stat", "s", [of_model("a", "NaN")])
    assert "Log lines from Loki." in drawn(tmp_path, "logs", "none", [], "loki")


def test_more_series_than_there_is_room_for_are_counted(tmp_path: Path) -> None:
    many = [of_model(f"m{number}", "1", "2") for number in range(40)]
    assert "and 33 more" in drawn(tmp_path, "timeseries", "short", many)
    assert "and 32 more" in drawn(tmp_path, "table", "short", many)

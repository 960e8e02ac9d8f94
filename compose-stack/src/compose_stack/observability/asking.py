"""Every query of every panel, and how to ask it: no panel is to be empty without a reason."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

STEP_S = 5
LOGS_ASKED = 10
PATHS = {"mimir": "/api/v1/query_range", "loki": "/loki/api/v1/query_range", "tempo": "/api/search"}


@dataclass(frozen=True)
class Question:
    """One query of one panel, with the dashboard's variables filled in."""

    dashboard: str
    panel: str
    source: str
    """The data source: `mimir`, `loki` or `tempo`."""
    text: str

    def __str__(self) -> str:
        """Say where it stands and what it asks."""
        return f"{self.dashboard} / {self.panel}: {self.text}"


def questions(folder: Path, variables: Mapping[str, str]) -> Iterator[Question]:
    """Yield every query of the dashboards in a folder; `variables`: readers' choices, and Grafana's own."""
    for path in sorted(folder.glob("*.json")):
        dashboard = json.loads(path.read_text())
        for panel in panels(dashboard["panels"]):
            yield from questions_of(panel, dashboard["title"], variables)
        for mark in dashboard.get("annotations", {}).get("list", ()):
            text = filled(mark["expr"], variables)
            yield Question(dashboard["title"], mark["name"], mark["datasource"]["uid"], text)


def questions_of(
    panel: Mapping[str, Any], dashboard: str, variables: Mapping[str, str]
) -> Iterator[Question]:
    """Yield the queries of one panel."""
    for target in panel["targets"]:
        source = target["datasource"]["uid"]
        text = target.get("expr") or target.get("query") or ""
        if target.get("queryType") == "serviceMap":  # Grafana asks Mimir for what Tempo counted
            source, text = "mimir", f"traces_service_graph_request_total{target['serviceMapQuery']}"
        yield Question(dashboard, panel["title"], source, filled(text, variables))


def filled(text: str, variables: Mapping[str, str]) -> str:
    """Return a query with its variables; raises `KeyError` for one that nobody fills."""
    return re.sub(r"\$(?:\{(\w+)\}|(\w+))", lambda found: variables[found[1] or found[2]], text)


def panels(listed: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield the panels of a dashboard, those of collapsed rows too, without the rows themselves."""
    for panel in listed:
        yield from panels(panel.get("panels") or [])
        if panel["type"] != "row":
            yield panel


class Backends:
    """The data sources, each by its own address or all by way of Grafana."""

    def __init__(self, sources: Mapping[str, httpx.Client]) -> None:
        """Ask these; a source that is not among them cannot be asked."""
        self._sources = sources

    def knows(self, question: Question) -> bool:
        """Return whether the question's source is there."""
        return question.source in self._sources

    def ask(self, question: Question, start: float, end: float) -> int:
        """Return how many series, streams or traces the answer has, over a span of seconds since 1970."""
        return len(self.answer(question, start, end))

    def answer(self, question: Question, start: float, end: float) -> list[dict[str, Any]]:
        """Return the series, streams or traces, as the source gives them; raises `ValueError`."""
        span = {"start": str(int(start)), "end": str(int(end))}
        match question.source:
            case "tempo":
                asked = {"q": question.text, "limit": "20", **span}
            case "loki":
                asked = {"query": question.text, "limit": str(LOGS_ASKED), **span}
            case _:
                asked = {"query": question.text, "step": str(STEP_S), **span}
        response = self._sources[question.source].get(PATHS[question.source].lstrip("/"), params=asked)
        if response.is_error:
            raise ValueError(f"{question}\n{response.status_code}: {response.text[:500]}")
        answer = response.json()
        found: list[dict[str, Any]]
        found = answer.get("traces") or [] if question.source == "tempo" else answer["data"]["result"]
        return found

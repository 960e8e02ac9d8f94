"""What the services declare that they say, as a page of metrics: from signals.json, and from the docs.

Each metric gets every value of a label that is declared as a list, and one sample of any other; counters
and histograms grow with each scrape.
"""

import itertools
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from compose_stack.settings import ROOT
from otlp_receiver import LogRecord, Span

PROCESSES = {
    "pipeline-api": ("gateway", "pipeline-api"),
    "data-processor serve": ("serve", "serve"),
    "data-processor work": ("work", "work"),
    "streamlit-ui": ("pages", "streamlit-ui"),
}
"""The job and the service of each process that declares signals."""
SECTIONS = {"serve": ("serve", "serve"), "work": ("work", "work"), "leader": ("work", "work")}
"""The same by a word of the heading of a table."""
SAMPLES = {
    "model": ["census-income"],
    "version": ["3"],
    "http_route": ["/v1/models/{model}/predictions"],
    "http_response_status_code": ["200", "500"],
    "source": ["deciding", "asked", "volunteered", "estimate"],
    "state": ["collecting", "healthy", "degraded", "retraining", "watching", "paused"],
    "verdict": ["promote", "hold", "reject", "drift", "no_drift", "no_verdict"],
    "status": ["queued", "running", "succeeded", "failed"],
}
ALWAYS = (
    "up",
    "process_cpu_seconds_total",
    "process_max_fds",
    "process_open_fds",
    "process_resident_memory_bytes",
    "process_start_time_seconds",
)
BOUNDS = ("0.1", "0.25", "1", "+Inf")
ROW = re.compile(r"^\| (?P<names>`[^|]+?) *\| *(?P<kind>[^|]+?) *\| *(?P<labels>[^|]*?) *\|[^|]*\|$")


@dataclass(frozen=True)
class Metric:
    """One metric of one process."""

    name: str
    kind: str
    job: str
    service: str
    labels: dict[str, list[str]] = field(default_factory=dict)


def declared() -> list[Metric]:
    """Return every declared metric, with every label that the code or the docs declare."""
    found: dict[tuple[str, str], Metric] = {}
    for metric in (*_from_services(), *_from_docs()):
        known = found.get((metric.job, metric.name))
        labels = {**(known.labels if known else {}), **metric.labels}
        found[metric.job, metric.name] = replace(metric, labels=labels)
    return [*found.values(), *_of_every_process()] if found else []


def shown(metrics: list[Metric], scrape: int) -> str:
    """Return the page at its n-th scrape."""
    lines: list[str] = []
    for metric in metrics:
        for values in itertools.product(*metric.labels.values()):
            labels = dict(zip(metric.labels, values, strict=True))
            labels |= {"job": metric.job, "service": metric.service, "stage": "main", "instance": metric.job}
            lines += _series(metric, labels, scrape)
    return "\n".join(lines) + "\n"


def spans_unlike(spans: Iterable[Span]) -> list[str]:
    """Return a sentence for each span that its service does not declare."""
    declared = _of_services("spans")
    return [
        f"{span} ({span.kind}) with {sorted(span.attributes)} is not declared."
        for span in spans
        if not any(_is_like(one, span) for one in declared[span.service])
    ]


def lines_unlike(records: Iterable[LogRecord]) -> list[str]:
    """Return a sentence for each log line that is not as its service declares it; the pages write text."""
    declared = _of_services("lines")
    wrong = []
    for record in records:
        if not (known := declared[record.service]):
            continue
        line = json.loads(record.text)
        every = next(one for one in known if not one["event"])
        own = next((one for one in known if one["event"] == line["event"]), None)
        needed = {*every["fields"], *(own["fields"] if own else ())}
        may = {*every["sometimes"], *(own["sometimes"] if own else line)}
        if not needed <= line.keys() <= needed | may:
            wrong.append(f"{record.service}: {sorted(line)} of {line.get('event')} is not as declared.")
    return wrong


def _of_services(kind: str) -> dict[str, list[dict[str, Any]]]:
    """Return what is declared by the name of the service; its processes share it."""
    found: dict[str, list[dict[str, Any]]] = {}
    for path in sorted(ROOT.glob("*/signals.json")):
        for process, signals in json.loads(path.read_text()).items():
            found.setdefault(process.split()[0], []).extend(signals[kind])
    return found


def _is_like(declared: dict[str, Any], span: Span) -> bool:
    pattern = re.sub(r"\\{\w+\\}", r"\\S+", re.escape(declared["name"]))
    needed = set(declared["attributes"])
    return (
        declared["kind"] == span.kind
        and re.fullmatch(pattern, span.name) is not None
        and needed <= span.attributes.keys() <= needed | set(declared["sometimes"])
    )


def _series(metric: Metric, labels: dict[str, str], scrape: int) -> Iterator[str]:
    written = ",".join(f'{name}="{value}"' for name, value in labels.items())
    if metric.kind != "histogram":
        value = scrape if metric.kind == "counter" else 1
        yield f"{metric.name}{{{written}}} {value}"
        return
    for number, bound in enumerate(BOUNDS, 1):
        yield f'{metric.name}_bucket{{{written},le="{bound}"}} {scrape * number}'
    yield f"{metric.name}_count{{{written}}} {scrape * len(BOUNDS)}"
    yield f"{metric.name}_sum{{{written}}} {scrape}"


def _of_every_process() -> Iterator[Metric]:
    """Yield what Prometheus says of each target, and prometheus-client of each process."""
    for job, service in PROCESSES.values():
        for name in ALWAYS:
            yield Metric(name, "counter" if name.endswith("_total") else "gauge", job, service)


def _from_services() -> Iterator[Metric]:
    for path in sorted(ROOT.glob("*/signals.json")):
        for process, signals in json.loads(path.read_text()).items():
            job, service = PROCESSES[process]
            for metric in signals["metrics"]:
                labels = {
                    name: values if isinstance(values, list) else SAMPLES.get(name, ["some"])
                    for name, values in metric["labels"].items()
                }
                yield Metric(metric["name"], metric["kind"], job, service, labels)


def _from_docs() -> Iterator[Metric]:
    page = ROOT / "docs" / "reference" / "signals.md"
    job, service = "", ""
    for line in page.read_text().splitlines() if page.exists() else ():
        if line.startswith("## "):
            job, service = next((at for word, at in SECTIONS.items() if word in line), ("", ""))
        row = ROW.match(line)
        if row and job:
            labels = {name: SAMPLES.get(name, ["some"]) for name in re.findall(r"`(\w+)`", row["labels"])}
            for name in re.findall(r"`(\w+)`", row["names"]):
                yield Metric(name, row["kind"].split(",")[0].strip(), job, service, labels)

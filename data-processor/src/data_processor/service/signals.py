"""What a service tells about itself, declared once: its metrics, and what its spans and log lines carry.

Each is declared beside the code that makes it. `signals.json`, of which the documentation makes its tables,
is written from the declarations, and tests compare them with the real `/metrics` and with what is exported.

    Metric ── register ──▶ registry ──▶ /metrics ◀── compared by a test ──┐
       └──── Signals of a process ──▶ signals.json ──▶ documentation ─────┤
    DeclaredSpan, DeclaredLine          spans, log lines ◀────────────────┘
"""

import argparse
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib import import_module
from itertools import product
from pathlib import Path
from typing import Any, Generic, TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

Kind = TypeVar("Kind", Counter, Gauge, Histogram)
Values = Sequence[str] | str
"""Every value that a label may have, or in words where the finite set comes from."""


@dataclass(frozen=True)
class Metric(Generic[Kind]):
    """One family of series.

    `name` is that of the family without a counter's `_total`; names follow OpenTelemetry's conventions in
    their Prometheus form where there is one, and begin with `loopkeeper_` elsewhere. A label's values come
    from a closed set: never paths, ids, or what callers send. `service` and `stage` are no labels: whoever
    scrapes adds them to every series of a target.
    """

    kind: type[Kind]
    name: str
    meaning: str
    labels: Mapping[str, Values] = field(default_factory=dict)
    buckets: Sequence[float] = ()
    """Upper bounds of a histogram's buckets."""

    def register(self, registry: CollectorRegistry) -> Kind:
        """Return the metric as a new member of a registry.

        Where every value of its labels is known, every series is there from the start, at 0: what has never
        happened is then told from what nobody counts, and the first time shows as an increase.
        """
        more: Any = {"buckets": self.buckets} if self.buckets else {}
        metric = self.kind(self.name, self.meaning, tuple(self.labels), registry=registry, **more)
        known = [values for values in self.labels.values() if not isinstance(values, str)]
        if known and len(known) == len(self.labels):
            for labels in product(*known):
                metric.labels(*labels)
        return metric

    def as_json(self) -> dict[str, Any]:
        """Return the declaration as the documentation reads it, under the name that a query uses."""
        return {
            "name": f"{self.name}_total" if self.kind is Counter else self.name,
            "kind": self.kind.__name__.lower(),
            "meaning": self.meaning,
            "labels": {
                name: values if isinstance(values, str) else list(values)
                for name, values in self.labels.items()
            },
        }


SentSpan = tuple[str, str, Iterable[str]]
"""A span's name, its kind, and the names of its attributes."""
AnyMetric = Metric[Counter] | Metric[Gauge] | Metric[Histogram]


@dataclass(frozen=True)
class DeclaredSpan:
    """One kind of spans; what differs from one to the next stands in braces in its name."""

    name: str
    kind: str
    meaning: str
    attributes: Sequence[str] = ()
    """What each has."""
    sometimes: Sequence[str] = ()
    """What it has where there is something to tell."""


@dataclass(frozen=True)
class DeclaredLine:
    """The log lines of one event; without one, what all lines have."""

    event: str
    meaning: str
    fields: Sequence[str]
    sometimes: Sequence[str] = ()


@dataclass(frozen=True)
class Signals:
    """What one kind of process tells."""

    metrics: Sequence[AnyMetric]
    spans: Sequence[DeclaredSpan] = ()
    lines: Sequence[DeclaredLine] = ()

    def as_json(self) -> dict[str, Any]:
        """Return the declaration as the documentation reads it."""
        return {
            "metrics": [metric.as_json() for metric in self.metrics],
            "spans": [asdict(span) for span in self.spans],
            "lines": [asdict(line) for line in self.lines],
        }


def undeclared(shown: Iterable[Any], declared: Sequence[AnyMetric], beside: Sequence[str]) -> list[str]:
    """Return a sentence for each thing in which shown families differ from the declared ones.

    `shown` are the families of a parsed exposition; names that begin with one of `beside` are a library's.
    """
    wrong: list[str] = []
    known = {metric.name: metric for metric in declared}
    seen: set[str] = set()
    for family in shown:
        if family.name.startswith(tuple(beside)):
            continue
        metric = known.get(family.name)
        if metric is None:
            wrong.append(f"{family.name} is shown and not declared.")
            continue
        seen.update({family.name} if family.samples else ())
        for sample in family.samples:
            labels = {name: value for name, value in sample.labels.items() if name != "le"}
            if set(labels) != set(metric.labels):
                wrong.append(f"{sample.name} has the labels {sorted(labels)}, not {sorted(metric.labels)}.")
            wrong += (
                f"{sample.name} has {name}={value!r}, which is not declared."
                for name, value in labels.items()
                if not isinstance(values := metric.labels.get(name, ()), str) and value not in values
            )
    wrong += (f"{name} is declared and has no series." for name in known if name not in seen)
    return wrong


def undeclared_spans(sent: Iterable[SentSpan], declared: Sequence[DeclaredSpan]) -> list[str]:
    """Return a sentence for each span that is not declared, and for each declared one that is missing."""
    wrong: list[str] = []
    missing = set(declared)
    for name, kind, attributes in sent:
        alike = next((span for span in declared if _is_like(span, name, kind, set(attributes))), None)
        if alike is None:
            wrong.append(f"The span {name!r} ({kind}) with {sorted(attributes)} is not declared.")
        else:
            missing.discard(alike)
    return wrong + [f"No span {span.name!r} ({span.kind}) was sent." for span in declared if span in missing]


def _is_like(span: DeclaredSpan, name: str, kind: str, attributes: set[str]) -> bool:
    pattern = re.sub(r"\\{\w+\\}", r"\\S+", re.escape(span.name))
    return (
        span.kind == kind
        and re.fullmatch(pattern, name) is not None
        and set(span.attributes) <= attributes <= {*span.attributes, *span.sometimes}
    )


def undeclared_fields(written: Iterable[Mapping[str, Any]], declared: Sequence[DeclaredLine]) -> list[str]:
    """Return a sentence for each field in which log lines differ from the declared ones.

    An event that is not declared may have fields of its own.
    """
    known = {line.event: line for line in declared}
    every, wrong = known[""], []
    for line in written:
        event = str(line.get("event"))
        own = known.get(event, DeclaredLine(event, "", (), tuple(line)))
        needed, may = {*every.fields, *own.fields}, {*every.sometimes, *own.sometimes}
        wrong += [f"A line of {event} lacks {name}." for name in sorted(needed - line.keys())]
        wrong += [f"A line of {event} has {name}." for name in sorted(line.keys() - needed - may)]
    return wrong


def main() -> None:
    """Write the declarations of a service's processes, for `make contract`."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("declared", help="the signals by process, as package.module:NAME")
    parser.add_argument("target", type=Path, help="the file to write")
    options = parser.parse_args()
    module, _, name = options.declared.partition(":")
    options.target.write_text(rendered(getattr(import_module(module), name)))


def rendered(declared: Mapping[str, Signals]) -> str:
    """Return the text of `signals.json`."""
    document = {process: signals.as_json() for process, signals in declared.items()}
    return f"{json.dumps(document, indent=2, ensure_ascii=False)}\n"


if __name__ == "__main__":
    main()

"""What a service tells about itself as Markdown: tables of metrics, spans and log lines for each process."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from loopkeeper_docs.openapi import prose, table

Document = Mapping[str, Any]


def describe_signals(document: Document) -> str:
    """Return a section for each process with a row for each metric, each kind of span and of log line."""
    return "\n".join(_process(name, signals) for name, signals in document.items())


def _process(name: str, signals: Document) -> str:
    metrics = [
        (
            _code(metric["name"]),
            metric["kind"],
            "<br>".join(_label(label, values) for label, values in metric["labels"].items()),
            prose(metric["meaning"]),
        )
        for metric in signals["metrics"]
    ]
    spans = [
        (_code(span["name"]), span["kind"], _names(span, "attributes"), prose(span["meaning"]))
        for span in signals["spans"]
    ]
    lines = [
        (_code(line["event"]) if line["event"] else "any", _names(line, "fields"), prose(line["meaning"]))
        for line in signals["lines"]
    ]
    return "\n".join(
        (
            f"## {name}",
            *_section(("metric", "kind", "labels", "meaning"), metrics),
            *_section(("span", "kind", "attributes", "meaning"), spans),
            *_section(("event of a log line", "fields", "meaning"), lines),
        )
    )


def _section(heading: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterable[str]:
    return ("", table(heading, rows), "") if rows else ()


def _code(text: str) -> str:
    return f"`{text}`"


def _names(declared: Document, always: str) -> str:
    names = [_code(name) for name in declared[always]]
    return ", ".join([*names, *(f"{_code(name)} at times" for name in declared["sometimes"])])


def _label(name: str, values: str | list[str]) -> str:
    told = values if isinstance(values, str) else ", ".join(f"`{value}`" for value in values)
    return f"`{name}`: {prose(told) if isinstance(values, str) else told}"

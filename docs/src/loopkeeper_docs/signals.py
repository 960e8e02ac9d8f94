"""What a service tells about itself as Markdown: a table of metrics for each of its processes."""

from collections.abc import Mapping
from typing import Any

from loopkeeper_docs.openapi import prose, table

Document = Mapping[str, Any]


def describe_signals(document: Document) -> str:
    """Return a section for each process with a row for each metric."""
    return "\n".join(_process(name, signals) for name, signals in document.items())


def _process(name: str, signals: Document) -> str:
    rows = [
        (
            f"`{metric['name']}`",
            metric["kind"],
            "<br>".join(_label(label, values) for label, values in metric["labels"].items()),
            prose(metric["meaning"]),
        )
        for metric in signals["metrics"]
    ]
    return "\n".join((f"## {name}", "", table(("metric", "kind", "labels", "meaning"), rows), ""))


def _label(name: str, values: str | list[str]) -> str:
    told = values if isinstance(values, str) else ", ".join(f"`{value}`" for value in values)
    return f"`{name}`: {prose(told) if isinstance(values, str) else told}"

"""An AsyncAPI 3 document as Markdown: its channels, and the messages on them."""

from collections.abc import Mapping
from typing import Any

from loopkeeper_docs.openapi import prose, table, type_of

Document = Mapping[str, Any]


def describe_channels(document: Document) -> str:
    """Return a section for each channel with a table of its messages' fields."""
    return "\n".join(_channel(document, channel) for channel in document["channels"].values())


def _channel(document: Document, channel: Document) -> str:
    lines = [f"## `{channel['address']}`", "", prose(f"{channel['title']}. {channel['description']}"), ""]
    query = channel.get("bindings", {}).get("ws", {}).get("query", {}).get("properties", {})
    inputs = [(name, "path", given["description"]) for name, given in channel.get("parameters", {}).items()]
    inputs += [(name, "query", given["description"]) for name, given in query.items()]
    rows = [(f"`{name}`", place, prose(meaning)) for name, place, meaning in inputs]
    lines += [table(("parameter", "in", "meaning"), rows), ""]
    for reference in channel["messages"].values():
        message = _at(document, reference["$ref"])
        lines += [f"### {prose(message['title'])}", "", _fields(document, message["payload"]), ""]
    return "\n".join(lines)


def _fields(document: Document, payload: Document) -> str:
    fields: dict[str, Document] = {}
    required: set[str] = set()
    for part in payload.get("allOf", (payload,)):
        schema = _at(document, part["$ref"]) if "$ref" in part else part
        fields |= schema.get("properties", {})
        required |= set(schema.get("required", ()))
    rows = [
        (
            f"`{name}`",
            type_of(field),
            "required" if name in required else "",
            prose(field.get("description", "")),
        )
        for name, field in fields.items()
    ]
    return table(("field", "type", "", "meaning"), rows)


def _at(document: Document, reference: str) -> Document:
    value: Any = document
    for part in reference.removeprefix("#/").split("/"):
        value = value[part]
    return dict(value)

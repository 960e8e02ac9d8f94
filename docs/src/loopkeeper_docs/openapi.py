"""An OpenAPI 3.1 document as Markdown: the operations of one tag, or the schemas that they refer to.

Only what our own contracts use is supported; anything else raises `UnknownSchemaError`, so that a page never
silently leaves out part of a contract.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Document = Mapping[str, Any]

METHODS = ("get", "put", "post", "patch", "delete")
FIRST_PROBLEM = 400
REFERENCE = "#/components/schemas/"
JOINTS = {"anyOf": " or ", "oneOf": " or ", "allOf": " and "}
BOUNDS = {
    "minimum": "≥ {}",
    "exclusiveMinimum": "> {}",
    "maximum": "≤ {}",
    "exclusiveMaximum": "< {}",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minItems": "at least {} items",
    "maxItems": "at most {} items",
    "minProperties": "at least {} entries",
    "maxProperties": "at most {} entries",
    "pattern": "matches `{}`",
}


class UnknownSchemaError(ValueError):
    """A contract uses a type that this module cannot describe."""


def tags(document: Document) -> list[str]:
    """Return the tags of a document's operations, in the order in which they first occur."""
    found = (operation["tags"][0] for _, _, operation in operations(document))
    return list(dict.fromkeys(found))


def operations(document: Document) -> Iterator[tuple[str, str, Document]]:
    """Yield method, path and description of every operation."""
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                yield method.upper(), path, item[method]


def describe_operations(document: Document, tag: str) -> str:
    """Return a section for each operation of a tag; raise ValueError if it has none."""
    sections = [
        _operation(document, method, path, operation)
        for method, path, operation in operations(document)
        if operation["tags"][0] == tag
    ]
    if not sections:
        known = ", ".join(tags(document))
        raise ValueError(f"The contract has no operation with the tag {tag!r}; it has {known}.")
    return "\n".join(sections)


def list_operations(document: Document, without: Document) -> str:
    """Return a table of the operations that another document does not have."""
    known = {(method, path) for method, path, _ in operations(without)}
    rows = [
        [f"`{method} {path}`", prose(operation.get("description") or operation.get("summary", ""))]
        for method, path, operation in operations(document)
        if (method, path) not in known
    ]
    return table(("operation", "what it does"), rows)


def describe_schemas(document: Document) -> str:
    """Return a section for each schema, to which the operations link."""
    return "\n".join(
        _schema(name, schema) for name, schema in sorted(document["components"]["schemas"].items())
    )


def anchor(schema: str) -> str:
    """Return the anchor by which pages link to a schema."""
    return f"schema-{schema.lower()}"


def type_of(schema: Document) -> str:
    """Describe a schema's type in words; named schemas become links."""
    if reference := schema.get("$ref"):
        name = reference.removeprefix(REFERENCE)
        return f"[{name}](#{anchor(name)})"
    for kind, joint in JOINTS.items():
        if kind in schema:
            return joint.join(dict.fromkeys(type_of(choice) for choice in schema[kind]))
    if values := schema.get("enum") or ([schema["const"]] if "const" in schema else []):
        return " or ".join(f"`{json.dumps(value)}`" for value in values)
    return _plain_type(schema)


def _plain_type(schema: Document) -> str:
    kind = schema.get("type")
    if kind is None and set(schema) <= {"title", "description", "default", "examples"}:
        return "anything"
    if kind == "array":
        if parts := schema.get("prefixItems"):
            return f"list of {', '.join(type_of(part) for part in parts)}"
        return f"list of {type_of(schema.get('items', {}))}"
    if kind == "object":
        values = schema.get("additionalProperties")
        return f"object of {type_of(values)}" if isinstance(values, dict) and values else "object"
    if kind == "string":
        media = schema.get("contentMediaType")
        return {"date-time": "date and time", None: "file" if media else "string"}.get(
            schema.get("format"), f"string ({schema.get('format')})"
        )
    if kind in {"integer", "number", "boolean", "null"}:
        return str(kind)
    raise UnknownSchemaError(f"A contract uses a type that pages cannot describe: {json.dumps(schema)[:200]}")


def _operation(document: Document, method: str, path: str, operation: Document) -> str:
    lines = [f"## `{method} {path}`", ""]
    lines += [prose(operation.get("description") or operation.get("summary", "")), ""]
    if role := operation.get("x-role"):
        lines += [f"Role: `{role}`.", ""]
    parameters = [_resolve(document, parameter) for parameter in operation.get("parameters", ())]
    if parameters:
        rows = [_parameter(parameter) for parameter in parameters]
        lines += [table(("parameter", "in", "type", "meaning"), rows), ""]
    if body := operation.get("requestBody"):
        lines += [f"Body: {_content(body)}.", ""]
        for content in body["content"].values():
            lines += [*_fields(content["schema"]), ""] if content["schema"].get("properties") else []
    responses, problems = [], []
    for status, response in operation["responses"].items():
        if status.isdecimal() and int(status) >= FIRST_PROBLEM:
            problems.append(status)
            continue
        responses.append(f"`{status}` {_content(response)}" if response.get("content") else f"`{status}`")
    lines += [f"Responses: {'; '.join(responses)}.", ""]
    if problems:
        lines += [f"Problems: {', '.join(f'`{status}`' for status in problems)}.", ""]
    return "\n".join(lines)


def _schema(name: str, schema: Document) -> str:
    lines = [f"({anchor(name)})=", f"## {name}", ""]
    if text := schema.get("description"):
        lines += [prose(text), ""]
    if schema.get("properties"):
        lines += [*_fields(schema), ""]
    else:
        lines += [f"{_capital(type_of(schema))}{_and_bounds(schema)}.", ""]
    return "\n".join(lines)


def _fields(schema: Document) -> Iterator[str]:
    required = schema.get("required", ())
    rows = [_field(name, field, required=name in required) for name, field in schema["properties"].items()]
    yield table(("field", "type", "", "meaning"), rows)


def _field(name: str, schema: Document, *, required: bool) -> Sequence[str]:
    default = f"default `{json.dumps(schema['default'], ensure_ascii=False)}`" if "default" in schema else ""
    return (
        f"`{name}`",
        type_of(schema) + _and_bounds(schema),
        "required" if required else default,
        _meaning(schema),
    )


def _parameter(parameter: Document) -> Sequence[str]:
    schema = parameter["schema"]
    default = f" Default: `{json.dumps(schema['default'])}`." if schema.get("default") is not None else ""
    meaning = prose(parameter.get("description") or _meaning(schema)) + default
    kind = type_of(schema) + _and_bounds(schema)
    return (
        f"`{parameter['name']}`",
        parameter["in"],
        kind + (", required" if parameter.get("required") else ""),
        meaning,
    )


def _meaning(schema: Document) -> str:
    return prose(schema.get("description", ""))


def _and_bounds(schema: Document) -> str:
    choices = [schema, *schema.get("anyOf", ()), schema.get("items", {})]
    found = [
        words.format(choice[key])
        for choice in choices
        if isinstance(choice, dict)
        for key, words in BOUNDS.items()
        if key in choice
    ]
    return f", {', '.join(found)}" if found else ""


def _content(body: Document) -> str:
    found = []
    for media, content in body.get("content", {}).items():
        kind = type_of(content.get("schema", {}))
        found.append(
            kind
            if media == "application/json"
            else f"`{media}`"
            if kind == "anything"
            else f"{kind} (`{media}`)"
        )
    return " or ".join(found)


def _resolve(document: Document, part: Document) -> Document:
    if reference := part.get("$ref"):
        value: Any = document
        for key in reference.removeprefix("#/").split("/"):
            value = value[key]
        return _resolve(document, value)
    return part


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def prose(text: str) -> str:
    """Return a contract's text as one line of Markdown, escaped except for its code spans."""
    parts = " ".join(text.split()).split("`")
    for index in range(0, len(parts), 2):
        for sign in "<*_[]":
            parts[index] = parts[index].replace(sign, f"\\{sign}")
    return "`".join(parts)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from loopkeeper_docs.asyncapi import describe_channels
from loopkeeper_docs.extension import INCLUSION
from loopkeeper_docs.openapi import (
    UnknownSchemaError,
    describe_operations,
    describe_schemas,
    list_operations,
    operations,
    prose,
    table,
    tags,
    type_of,
)
from loopkeeper_docs.signals import describe_signals

DOCS = Path(__file__).parents[1]
REFERENCE = DOCS / "reference"
DESCRIBED = r"""## `PUT /v1/things/{thing}`

Keep a thing; 409 when it is \<kept>.

Role: `engineer`.

| parameter | in | type | meaning |
| --- | --- | --- | --- |
| `thing` | path | string, required |  |
| `limit` | query | integer, ≥ 1, ≤ 9 | How many. Default: `5`. |

Body: [Thing](#schema-thing).

Responses: `200` [Thing](#schema-thing); `204`.

Problems: `409`.
"""


@pytest.fixture(scope="module")
def public() -> Any:
    return json.loads((DOCS.parent / "pipeline-api" / "openapi.json").read_text())


@pytest.fixture(scope="module")
def internal() -> Any:
    return json.loads((DOCS.parent / "data-processor" / "openapi.json").read_text())


@pytest.fixture
def small() -> dict[str, Any]:
    """Return a contract with one of everything."""
    return {
        "paths": {
            "/v1/things/{thing}": {
                "put": {
                    "tags": ["things"],
                    "description": "Keep a thing; 409 when it is <kept>.",
                    "x-role": "engineer",
                    "parameters": [
                        {"name": "thing", "in": "path", "required": True, "schema": {"type": "string"}},
                        {"$ref": "#/components/parameters/Limit"},
                    ],
                    "requestBody": {
                        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}}
                    },
                    "responses": {
                        "200": {
                            "content": {
                                "application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}
                            }
                        },
                        "204": {},
                        "409": {},
                    },
                }
            }
        },
        "components": {
            "parameters": {
                "Limit": {
                    "name": "limit",
                    "in": "query",
                    "description": "How many.",
                    "schema": {"type": "integer", "minimum": 1, "maximum": 9, "default": 5},
                }
            },
            "schemas": {
                "Thing": {
                    "description": "What is kept.",
                    "required": ["name"],
                    "properties": {
                        "name": {"type": "string", "maxLength": 40},
                        "size": {"anyOf": [{"type": "number", "exclusiveMinimum": 0}, {"type": "null"}]},
                        "kind": {"enum": ["a", "b"], "default": "a", "description": "a | b"},
                    },
                },
                "Role": {"type": "string", "enum": ["user", "engineer"]},
            },
        },
    }


def test_an_operation_is_described_with_all_that_it_takes_and_returns(small: dict[str, Any]) -> None:
    assert describe_operations(small, "things") == DESCRIBED


def test_a_body_without_a_name_is_described_in_place(small: dict[str, Any]) -> None:
    body = {"type": "object", "required": ["file"], "properties": {"file": {"type": "string"}}}
    small["paths"]["/v1/things/{thing}"]["put"]["requestBody"]["content"] = {
        "multipart/form-data": {"schema": body}
    }
    described = describe_operations(small, "things")
    assert "Body: object (`multipart/form-data`).\n\n| field | type |  | meaning |" in described
    assert "| `file` | string | required |  |" in described


def test_a_schema_is_described_field_by_field(small: dict[str, Any]) -> None:
    text = describe_schemas(small)
    assert "(schema-thing)=\n## Thing\n\nWhat is kept.\n" in text
    assert "| `name` | string, at most 40 characters | required |  |" in text
    assert "| `size` | number or null, > 0 |  |  |" in text
    assert '| `kind` | `"a"` or `"b"` | default `"a"` | a \\| b |' in text
    assert text.index("## Role") < text.index("## Thing")


def test_an_unknown_tag_is_refused(small: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="no operation with the tag 'cats'; it has things"):
        describe_operations(small, "cats")


def test_an_unknown_type_is_refused() -> None:
    with pytest.raises(UnknownSchemaError, match="quaternion"):
        type_of({"type": "quaternion"})


def test_text_of_a_contract_is_escaped() -> None:
    assert prose("a_b *c* `d_e*`\n [f]") == r"a\_b \*c\* `d_e*` \[f\]"
    assert table(("a",), [["x | y"]]) == "| a |\n| --- |\n| x \\| y |"


def test_every_operation_is_on_a_page(public: Any) -> None:
    asked = {
        match["rest"]
        for page in REFERENCE.glob("*.md")
        for match in INCLUSION.finditer(page.read_text())
        if match["part"] == "operations"
    }
    assert asked == set(tags(public))
    described = "\n".join(describe_operations(public, tag) for tag in asked)
    for method, path, _ in operations(public):
        assert f"`{method} {path}`" in described


def test_every_link_to_a_schema_leads_to_one(public: Any) -> None:
    described = describe_schemas(public) + "\n".join(describe_operations(public, tag) for tag in tags(public))
    wanted, there = (
        re.findall(r"\(#(schema-\w+)\)", described),
        re.findall(r"^\((schema-\w+)\)=", described, re.MULTILINE),
    )
    assert set(wanted) <= set(there)
    assert len(there) == len(set(there)) == len(public["components"]["schemas"])


def test_internal_operations_are_listed_without_the_public_ones(public: Any, internal: Any) -> None:
    described = list_operations(internal, public)
    known = {(method, path) for method, path, _ in operations(public)}
    only = [(method, path) for method, path, _ in operations(internal) if (method, path) not in known]
    assert [line.split("`")[1] for line in described.splitlines()[2:]] == [
        f"{method} {path}" for method, path in only
    ]
    for method, path, _ in operations(public):
        assert f"`{method} {path}`" not in described


def test_messages_are_described_with_the_fields_that_all_have() -> None:
    document = yaml.safe_load((DOCS.parent / "pipeline-api" / "asyncapi.yaml").read_text())
    described = describe_channels(document)
    assert "## `/v1/runs/{run}/events`" in described
    events = document["channels"]["runEvents"]["messages"]
    assert described.count("| `seq` | integer | required |") == len(events)
    assert "## `{model}/actions/predict/{device}`" in described
    assert "| `inputs` | list of object | required |" in described
    assert "| `value` | number or null | required |" in described


@pytest.mark.parametrize("service", ["pipeline-api", "data-processor", "streamlit-ui"])
def test_every_metric_is_described_with_its_labels_and_their_values(service: str) -> None:
    document = json.loads((DOCS.parent / service / "signals.json").read_text())
    described = describe_signals(document)
    for process, signals in document.items():
        assert f"## {process}" in described
        for metric in signals["metrics"]:
            assert f"| `{metric['name']}` | {metric['kind']} | " in described
            for label, values in metric["labels"].items():
                assert f"`{label}`: " in described
                assert isinstance(values, str) or f"`{values[-1]}`" in described
        for span in signals["spans"]:
            assert f"| `{span['name']}` | {span['kind']} | " in described
        for line in signals["lines"]:
            assert all(f"`{name}`" in described for name in line["fields"])

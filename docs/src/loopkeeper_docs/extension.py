"""What the site adds to Sphinx: contracts become pages while they are read, and no copy of them is kept.

A page asks for a part of a contract by a comment, which people who read the file elsewhere do not see:

    <!-- contract: operations ../../pipeline-api/openapi.json models -->
    <!-- contract: internal ../../data-processor/openapi.json ../../pipeline-api/openapi.json -->
    <!-- contract: schemas ../../pipeline-api/openapi.json -->
    <!-- contract: channels ../../pipeline-api/asyncapi.yaml -->
"""

import json
import re
from pathlib import Path
from typing import Any

import yaml
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

from loopkeeper_docs.asyncapi import describe_channels
from loopkeeper_docs.formulas import block_formula, inline_formula
from loopkeeper_docs.openapi import describe_operations, describe_schemas, list_operations

ASKED = re.compile(r"<!-- contract: (?P<part>\w+) (?P<file>\S+)(?: (?P<rest>[^>]+?))? -->")


def setup(app: Sphinx) -> dict[str, bool]:
    """Let Sphinx ask for contracts, and draw formulas."""
    app.add_html_math_renderer("mathml", (inline_formula, None), (block_formula, None))
    app.connect("source-read", read_source)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def read_source(app: Sphinx, page: str, content: list[str]) -> None:
    """Put what a page asks for in the place of its comments."""
    path = Path(app.env.doc2path(page))
    content[0] = ASKED.sub(lambda asked: _answer(app, path, asked), content[0])


def load(path: Path) -> dict[str, Any]:
    """Read a contract; raise `ExtensionError` when there is none."""
    try:
        text = path.read_text()
    except OSError as error:
        raise ExtensionError(f"The contract {path} cannot be read: {error.strerror}.") from error
    document: dict[str, Any] = json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
    return document


def _answer(app: Sphinx, page: Path, asked: re.Match[str]) -> str:
    path = page.parent / asked["file"]
    app.env.note_dependency(str(path))
    document = load(path)
    match asked["part"]:
        case "operations":
            return describe_operations(document, asked["rest"])
        case "internal":
            return list_operations(document, load(page.parent / asked["rest"]))
        case "schemas":
            return describe_schemas(document)
        case "channels":
            return describe_channels(document)
    raise ExtensionError(f"{page} asks for {asked['part']!r} of a contract; see {__name__}.")

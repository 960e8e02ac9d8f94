"""The site's Sphinx extension: contracts become pages when the site is built, and no copy of them is kept.

A page includes a part of a contract with a comment, which is invisible wherever else the file is read:

    <!-- contract: operations ../../pipeline-api/openapi.json models -->
    <!-- contract: internal ../../data-processor/openapi.json ../../pipeline-api/openapi.json -->
    <!-- contract: schemas ../../pipeline-api/openapi.json -->
    <!-- contract: channels ../../pipeline-api/asyncapi.yaml -->
    <!-- contract: signals ../../pipeline-api/signals.json -->
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
from loopkeeper_docs.signals import describe_signals

INCLUSION = re.compile(r"<!-- contract: (?P<part>\w+) (?P<file>\S+)(?: (?P<rest>[^>]+?))? -->")


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the inclusion of contracts and the formulas with Sphinx."""
    app.add_html_math_renderer("mathml", (inline_formula, None), (block_formula, None))
    app.connect("source-read", read_source)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def read_source(app: Sphinx, page: str, content: list[str]) -> None:
    """Replace a page's comments with the parts of contracts that they name."""
    path = Path(app.env.doc2path(page))
    content[0] = INCLUSION.sub(lambda inclusion: _include(app, path, inclusion), content[0])


def load(path: Path) -> dict[str, Any]:
    """Read a contract; raise `ExtensionError` if that is not possible."""
    try:
        text = path.read_text()
    except OSError as error:
        raise ExtensionError(f"The contract {path} cannot be read: {error.strerror}.") from error
    document: dict[str, Any] = json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
    return document


def _include(app: Sphinx, page: Path, inclusion: re.Match[str]) -> str:
    path = page.parent / inclusion["file"]
    app.env.note_dependency(str(path))
    document = load(path)
    match inclusion["part"]:
        case "operations":
            return describe_operations(document, inclusion["rest"])
        case "internal":
            return list_operations(document, load(page.parent / inclusion["rest"]))
        case "schemas":
            return describe_schemas(document)
        case "channels":
            return describe_channels(document)
        case "signals":
            return describe_signals(document)
    raise ExtensionError(
        f"{page} includes an unknown part {inclusion['part']!r} of a contract; see {__name__}."
    )

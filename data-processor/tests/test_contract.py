import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from data_processor.app import create_app
from data_processor.settings import Settings

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    secret = SecretStr("x" * 16)
    return create_app(Settings(service_token=secret, caller_key=secret, signing_key=secret)).openapi()


def test_the_committed_document_is_what_the_code_says(document: dict[str, Any]) -> None:
    committed = json.loads((ROOT / "openapi.json").read_text())
    assert committed == json.loads(json.dumps(document)), "Run `make contracts`."


def test_it_is_printed_without_any_setting(tmp_path: Path, document: dict[str, Any]) -> None:
    command = [str(Path(sys.executable).with_name("data-processor")), "contract"]
    printed = subprocess.run(command, env={}, cwd=tmp_path, capture_output=True, check=True)
    assert json.loads(printed.stdout) == json.loads(json.dumps(document))
    assert list(tmp_path.iterdir()) == []


def test_every_error_is_described_as_a_problem(document: dict[str, Any]) -> None:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            for status, response in operation["responses"].items():
                if path.startswith("/v1/") and status >= "400":
                    assert list(response["content"]) == ["application/problem+json"], (method, path, status)


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    text = json.dumps(document)
    for name in document["components"]["schemas"]:
        text = text.replace(f'"#/components/schemas/{name}"', "")
    assert "#/components/schemas/" not in text
    assert "HTTPValidationError" not in text


def test_predictions_are_described_like_any_other_route(document: dict[str, Any]) -> None:
    operation = document["paths"]["/v1/models/{model}/predictions"]["post"]
    assert {p["name"] for p in operation["parameters"]} == {"model", "Idempotency-Key"}
    assert operation["requestBody"]["content"]["application/json"]["schema"]["required"] == ["inputs"]
    assert {"200", "400", "401", "404", "409", "413", "422", "503"} <= operation["responses"].keys()

from pathlib import Path

import pytest
import yaml

from pipeline_api.events import router
from pipeline_api.metrics import DESTINATIONS
from pipeline_api.mqtt.features import FEATURES, SERVICES
from pipeline_api.service.readme import with_table
from pipeline_api.settings import Settings

ROOT = Path(__file__).parents[1]


def test_the_readme_lists_the_settings_as_they_are() -> None:
    readme = (ROOT / "README.md").read_text()

    assert with_table(readme, Settings) == readme, "run `make readme`"


def test_the_secrets_have_no_default() -> None:
    for name in ("service_token", "caller_key"):
        assert Settings.model_fields[name].is_required()


def test_an_empty_variable_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"SERVICE_TOKEN": "s" * 16, "CALLER_KEY": "k" * 16, "ADMIN_PASSWORD": ""}.items():
        monkeypatch.setenv(name, value)

    assert Settings().admin_password is None  # type: ignore[call-arg]  # the environment says the rest


def test_a_secret_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SERVICE_TOKEN", "CALLER_KEY", "ADMIN_PASSWORD"):
        monkeypatch.setenv(name, "a secret of the tests")

    assert "a secret of the tests" not in repr(Settings())  # type: ignore[call-arg]  # as above


def test_the_document_of_messages_describes_the_websocket() -> None:
    document = yaml.safe_load((ROOT / "asyncapi.yaml").read_text())

    addresses = {
        channel["address"]
        for channel in document["channels"].values()
        if {"$ref": "#/servers/gateway"} in channel["servers"]
    }
    assert addresses == {route.path for route in router.routes}  # type: ignore[attr-defined]  # they have one
    text = (ROOT / "asyncapi.yaml").read_text()
    for code in ("1000", "1013", "4401", "4403"):
        assert code in text


def test_the_document_of_messages_describes_every_feature_over_mqtt() -> None:
    document = yaml.safe_load((ROOT / "asyncapi.yaml").read_text())

    addresses = {channel["address"] for channel in document["channels"].values()}
    features = {"{model}": FEATURES, **SERVICES}
    actions = {f"{owner}/actions/{feature}" for owner in features for feature in features[owner]}
    assert {f"{action}/{{device}}" for action in actions} == {a for a in addresses if "/actions/" in a}
    assert {a.replace("actions", "results") for a in addresses if "/actions/" in a} <= addresses
    assert {*actions, "other"} == set(DESTINATIONS)


def test_every_reference_in_the_document_of_messages_leads_somewhere() -> None:
    document = yaml.safe_load((ROOT / "asyncapi.yaml").read_text())

    def follow(node: object) -> None:
        if isinstance(node, dict):
            if "$ref" in node:
                target = document
                for part in node["$ref"].removeprefix("#/").split("/"):
                    target = target[part]
            for value in node.values():
                follow(value)
        elif isinstance(node, list):
            for item in node:
                follow(item)

    follow(document)

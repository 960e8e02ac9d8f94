"""Development in containers: what Compose makes of its file, and how its settings come to be."""

import json
from pathlib import Path
from typing import Any

import pytest

from compose_stack.settings import CannotStart
from compose_stack.stack.dev import TEMPLATE, Project, settings
from compose_stack.stack.images import RECIPES
from compose_stack.stack.layout import Layout, read_env
from compose_stack.stack.secrets import NAMES
from compose_stack.stack.tools import COMPOSE, command

SECRETS = {name for names in NAMES.values() for name in names}


@pytest.fixture
def read(tmp_path: Path) -> dict[str, Any]:
    try:
        command(COMPOSE)
    except CannotStart as absent:
        pytest.skip(str(absent))
    found: dict[str, Any] = json.loads(Project(Layout(tmp_path, {}))("config", "--format", "json"))
    return found


def test_every_port_is_on_this_machine_alone(read: dict[str, Any]) -> None:
    published = {
        name: port for name, service in read["services"].items() for port in service.get("ports", ())
    }
    infrastructure = {"postgres", "s3", "pictures", "mosquitto", "mlflow"}
    assert set(published) == infrastructure | {"serve", "pipeline-api", "streamlit-ui"}
    assert all(port["host_ip"] == "127.0.0.1" for port in published.values())
    for name, service in read["services"].items():
        assert ("published" in service["networks"]) == (name in published), name


def test_it_is_the_stack_but_for_the_edge(read: dict[str, Any]) -> None:
    for name, service in read["services"].items():
        assert service["cap_drop"] == ["ALL"], name
        assert service["read_only"] is True, name
        assert "mem_limit" in service, name
        assert service["image"].endswith(":dev"), name
    assert "caddy" not in read["services"]
    environment = read["services"]["work"]["environment"]
    assert environment["STAGE"] == environment["MLFLOW_TRACKING_USERNAME"] == "staging"
    mlflow = read["services"]["mlflow"]["environment"]
    assert environment["MLFLOW_TRACKING_PASSWORD"] == mlflow["EDITOR_PASSWORD_staging"]
    assert read["services"]["serve"]["environment"]["LOG_DIR"] == "/var/log/loopkeeper"


def test_every_image_of_it_can_be_built_from_the_tree(read: dict[str, Any]) -> None:
    built = {
        service["image"].partition("/")[2].partition(":")[0]: service["build"]
        for service in read["services"].values()
        if "build" in service
    }
    used = {service["image"].partition("/")[2].partition(":")[0] for service in read["services"].values()}
    assert set(built) == used
    for recipe in RECIPES:
        if recipe.name in built:
            context = Path(built[recipe.name]["context"])
            assert context == recipe.context, recipe.name
            assert (context / built[recipe.name]["dockerfile"]).resolve() == recipe.dockerfile, recipe.name


def test_secrets_are_empty_in_the_template_and_made_up_once(tmp_path: Path) -> None:
    layout = Layout(tmp_path, {})
    template = read_env(TEMPLATE)
    assert not [name for name in SECRETS if template.get(name)]
    path = settings(layout)
    assert path.stat().st_mode & 0o777 == 0o600
    made = read_env(path)
    assert all(made[name] for name in template)
    values = [made[name] for name in SECRETS & set(template)]
    assert len(set(values)) == len(values)
    assert read_env(settings(layout)) == made


def test_what_somebody_wrote_into_the_settings_stays(tmp_path: Path) -> None:
    layout = Layout(tmp_path, {})
    (tmp_path / "dev.env").write_text("GATEWAY_PORT=9999\nADMIN_PASSWORD=mine\nLOG_LEVEL=debug\n")
    made = read_env(settings(layout))
    assert (made["GATEWAY_PORT"], made["ADMIN_PASSWORD"], made["LOG_LEVEL"]) == ("9999", "mine", "debug")
    assert made["UI_PORT"] == "8501"
    assert set(read_env(TEMPLATE)) <= set(made)


def test_a_setting_that_is_missing_is_refused_by_name(read: dict[str, Any], tmp_path: Path) -> None:
    assert read
    project = Project(Layout(tmp_path, {}))
    path = tmp_path / "dev.env"
    path.write_text(path.read_text().replace("CALLER_KEY=", "WAS_CALLER_KEY="))
    with pytest.raises(CannotStart, match="required variable CALLER_KEY is missing a value"):
        project("config", "--quiet")

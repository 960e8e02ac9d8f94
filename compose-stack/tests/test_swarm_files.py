"""What `make swarm-file` writes; no engine is needed."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from compose_stack.settings import CannotStart
from compose_stack.stack.layout import PLATFORM, STAGES, Layout, read_env
from compose_stack.stack.secrets import make_secrets
from compose_stack.stack.swarm import KEEPER, render, write
from compose_stack.stack.tools import COMPOSE, command

OWNERS = (PLATFORM, *STAGES)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    layout = Layout(tmp_path_factory.mktemp("stack"), {"TAG": "sha-0123456789ab", "OBSERVABILITY": "true"})
    try:
        command(COMPOSE)
    except CannotStart as absent:
        pytest.skip(str(absent))
    make_secrets(layout)
    return {owner: write(layout, owner) for owner in OWNERS}


@pytest.fixture(scope="module")
def stacks(files: dict[str, Path]) -> dict[str, dict[str, Any]]:
    return {owner: json.loads(path.read_text()) for owner, path in files.items()}


def services(stacks: dict[str, dict[str, Any]]) -> list[tuple[str, dict[str, Any]]]:
    return [pair for stack in stacks.values() for pair in stack["services"].items()]


def stack_config(docker: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        (docker, "stack", "config", *arguments), capture_output=True, text=True, check=False
    )


def test_docker_itself_takes_the_files(files: dict[str, Path]) -> None:
    docker = shutil.which("docker")
    if docker is None or stack_config(docker, "--help").returncode != 0:
        pytest.skip("Docker's client with `docker stack config` is not installed here.")
    for path in files.values():
        done = stack_config(docker, "--compose-file", str(path))
        assert done.returncode == 0, done.stderr
        assert "Ignoring" not in done.stderr


def test_nobody_else_can_read_them(files: dict[str, Path]) -> None:
    for path in files.values():
        assert path.stat().st_mode & 0o777 == 0o600
        assert path.parent.stat().st_mode & 0o777 == 0o700


def test_nothing_is_in_them_that_a_swarm_refuses_or_ignores(stacks: dict[str, dict[str, Any]]) -> None:
    unknown = {"depends_on", "restart", "mem_limit", "tmpfs", "security_opt", "pull_policy", "shm_size"}
    for name, service in services(stacks):
        assert not unknown & set(service), name
        assert service["cap_drop"] == ["ALL"], name
        assert service["read_only"] is True, name
        assert service["deploy"]["resources"]["limits"]["memory"].endswith("b"), name


def test_an_update_starts_the_new_one_first_and_is_rolled_back_by_itself(
    stacks: dict[str, dict[str, Any]],
) -> None:
    for name in ("serve", "work", "pipeline-api", "streamlit-ui"):
        deploy = stacks["main"]["services"][name]["deploy"]
        assert deploy["update_config"]["order"] == "start-first", name
        assert deploy["update_config"]["failure_action"] == "rollback", name
    for name in ("postgres", "s3", "pictures-main", "mosquitto-main", "caddy"):
        assert stacks[PLATFORM]["services"][name]["deploy"]["update_config"]["order"] == "stop-first", name


def test_jobs_end_and_are_tried_again_until_they_succeed(stacks: dict[str, dict[str, Any]]) -> None:
    jobs = {name for name, service in services(stacks) if service["deploy"].get("mode") == "replicated-job"}
    assert jobs == {"databases", "buckets", "watcher"}
    for name, service in services(stacks):
        if name in jobs:
            assert service["deploy"]["restart_policy"]["condition"] == "on-failure", name
            assert "update_config" not in service["deploy"], name


def test_what_keeps_data_stays_where_the_data_is(stacks: dict[str, dict[str, Any]]) -> None:
    kept = {
        name
        for name, service in services(stacks)
        if f"node.labels.{KEEPER} == true" in service["deploy"].get("placement", {}).get("constraints", ())
    }
    assert {"postgres", "s3", "caddy", "serve", "work"} <= kept
    assert {f"{name}-{stage}" for name in ("mosquitto", "pictures") for stage in STAGES} <= kept
    assert not {"pipeline-api", "streamlit-ui", "mlflow"} & kept


def test_stages_join_the_networks_of_the_platform_which_are_overlays(
    stacks: dict[str, dict[str, Any]],
) -> None:
    made = {network["name"]: network for network in stacks[PLATFORM]["networks"].values()}
    assert all(network["driver"] == "overlay" for network in made.values())
    assert [name for name, network in made.items() if not network.get("internal")] == ["loopkeeper-outside"]
    for stage in STAGES:
        joined = [one for one in stacks[stage]["networks"].values() if one.get("external")]
        assert {network["name"] for network in joined} <= set(made)
        gateway = stacks[stage]["services"]["pipeline-api"]["networks"]
        assert f"pipeline-api.{stage}" in gateway["edge"]["aliases"]


def test_secrets_are_filled_in(files: dict[str, Path]) -> None:
    token = read_env(files["main"].parent.parent / "secrets" / "main.env")["SERVICE_TOKEN"]
    assert token in files["main"].read_text()
    assert token not in files["staging"].read_text()


def test_what_cannot_be_said_is_refused_by_name() -> None:
    project: dict[str, Any] = {
        "services": {"serve": {"image": "x", "privileged": True, "networks": {}}},
        "networks": {},
    }
    with pytest.raises(CannotStart, match="Service serve has privileged"):
        render(project)
    project["services"] = {"serve": {"image": "x", "tmpfs": ["/var/lib/x:uid=10001"], "networks": {}}}
    with pytest.raises(CannotStart, match="a tmpfs with options, /var/lib/x:uid=10001"):
        render(project)

"""A service made from the template by the book: clean, tested, an image, and healthy in a stage."""

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from compose_stack.settings import ROOT, CannotStart
from compose_stack.stack.compose import Compose, docker
from compose_stack.stack.images import DEBIAN, PREFIX, PYTHON, Builder, Recipe, exists
from compose_stack.stack.layout import Layout
from compose_stack.stack.secrets import make_secrets
from compose_stack.stack.tools import COMPOSE, command
from stack.conftest import Stack

NAME, PORT = "greeting-card", 8123
TEMPLATE = ROOT / "container-template"
UV = os.environ.get("UV") or "uv"
HARDENED = ("ReadonlyRootfs", "CapDrop", "SecurityOpt", "Init", "LogConfig", "RestartPolicy")
"""What the engine must have been told of the new service as of its neighbour."""


def run(folder: Path, *call: str) -> str:
    """Return what a command prints; its failure is the test's, with all it said."""
    environment = {name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "STAGE")}
    done = subprocess.run(
        call,
        cwd=folder,
        env=environment,
        check=False,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert done.returncode == 0, f"{call}\n{done.stdout}"
    return done.stdout


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a new service, as container-template/README.md says to make one."""
    folder = tmp_path_factory.mktemp("new") / NAME
    answers = {"service_name": NAME, "description": "Greets.", "port": str(PORT)}
    data = [text for name, value in answers.items() for text in ("--data", f"{name}={value}")]
    template = (UV, "run", "--frozen", "--quiet", "--project", str(TEMPLATE))
    run(ROOT, *template, "copier", "copy", "--defaults", "--quiet", *data, str(TEMPLATE), str(folder))
    run(ROOT, *template, "template-drift", "--write", str(folder))
    return folder


@dataclass(frozen=True)
class Entry:
    """The service's entry in a stage."""

    services: Compose
    file: Path

    def __call__(self, *arguments: str) -> str:
        return self.services("--file", str(self.file), *arguments).stdout


def test_its_entry_says_what_those_of_its_neighbours_say(made: Path, tmp_path: Path) -> None:
    """As Compose reads it together with the stack's own file; no engine is needed."""
    try:
        command(COMPOSE)
    except CannotStart as absent:
        pytest.skip(str(absent))
    layout = Layout(tmp_path, {})
    make_secrets(layout)
    entry = Entry(Compose(layout, "main", "sha-0123456789ab"), made / "compose.service.yaml")
    project: dict[str, Any] = json.loads(entry("config", "--format", "json"))
    new, neighbour = project["services"][NAME], project["services"]["pipeline-api"]
    assert new["image"] == f"{PREFIX}/{NAME}:sha-0123456789ab"
    for key in (
        "cap_drop",
        "init",
        "logging",
        "mem_limit",
        "read_only",
        "restart",
        "security_opt",
        "stop_grace_period",
    ):
        assert new[key] == neighbour[key], key
    assert set(new["networks"]) == {"inside"}
    assert not {"ports", "privileged", "cap_add"} & set(new)


@pytest.fixture(scope="module")
def entry(made: Path, running: Stack) -> Iterator[Entry]:
    """The entry of the service in a running stage; its image and its container are gone afterwards."""
    run(made, UV, "sync", "--quiet")
    run(made, "make", "readme", f"UV={UV}")
    run(made, "make", "lint", "test", f"UV={UV}")
    services = running.services("main")
    debian, python = (own if exists(own := f"{PREFIX}/{base}") else base for base in (DEBIAN, PYTHON))
    image = Builder(services.tag, debian, python).build(Recipe(NAME, made, made / "Dockerfile", limit_mb=450))
    entry = Entry(services, made / "compose.service.yaml")
    try:
        entry("up", "--detach", "--no-deps", "--wait", "--wait-timeout", "300", NAME)
        yield entry
    finally:
        entry("rm", "--stop", "--force", NAME)
        docker("image", "rm", image)
        # The stage's own, if its other services write there too: then it is in use, and stays.
        docker("volume", "rm", f"{json.loads(entry('config', '--format', 'json'))['name']}_logs", check=False)


def container(entry: Entry) -> str:
    return entry("ps", "--quiet", NAME).strip()


def inspect(name: str) -> dict[str, Any]:
    (found,) = json.loads(docker("inspect", name).stdout)
    return dict(found)


@pytest.mark.stack
@pytest.mark.timeout(1800)
def test_it_is_healthy_and_answers_its_neighbours(entry: Entry) -> None:
    assert inspect(container(entry))["State"]["Health"]["Status"] == "healthy"
    gateway = entry.services.containers("pipeline-api")[0]
    ask = f"import urllib.request as r; print(r.urlopen('http://{NAME}:{PORT}/readyz').read().decode())"
    assert json.loads(docker("exec", gateway, "python", "-c", ask).stdout)["status"] == "ok"


@pytest.mark.stack
def test_it_is_locked_down_as_its_neighbours_are(entry: Entry) -> None:
    new = inspect(container(entry))
    neighbour = inspect(entry.services.containers("pipeline-api")[0])
    for key in HARDENED:
        assert new["HostConfig"][key] == neighbour["HostConfig"][key], key
    assert new["HostConfig"]["Memory"] == 512 * 1024**2
    assert new["HostConfig"]["PortBindings"] == {}
    assert new["Config"]["User"] == "service"


@pytest.mark.stack
def test_its_log_outlives_its_container(entry: Entry) -> None:
    first = container(entry)
    entry("up", "--detach", "--no-deps", "--force-recreate", "--wait", "--wait-timeout", "300", NAME)
    second = container(entry)
    assert first != second
    log = docker("exec", second, "cat", f"/var/log/loopkeeper/{NAME}-1.log").stdout.splitlines()
    assert [json.loads(line)["event"] for line in log].count("Application startup complete.") == 2

"""One platform of two stages in containers, started from nothing and removed with everything it kept."""

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from compose_stack.client import Client
from compose_stack.delivery.deploy import Deployment, deployment
from compose_stack.delivery.images import IMAGES
from compose_stack.delivery.stages import down, up
from compose_stack.settings import CannotStart
from compose_stack.stack.compose import Compose, docker
from compose_stack.stack.edge import sign_in
from compose_stack.stack.layout import PLATFORM, STAGES, Layout, Stage
from compose_stack.stack.tools import BUILDX, command, engine_runs
from compose_stack.traffic import MODEL, Labelled, sample_rows


@dataclass(frozen=True)
class Stack:
    """A running platform."""

    layout: Layout

    @property
    def platform(self) -> Compose:
        return Compose(self.layout, PLATFORM, self.layout.tag(PLATFORM, keep=True))

    def services(self, stage: Stage) -> Compose:
        return Compose(self.layout, stage, self.layout.tag(stage, keep=True))

    def sign_in(self, stage: Stage) -> Client:
        return sign_in(self.layout, self.platform, stage)

    def scale(self, stage: Stage, service: str, count: int) -> list[str]:
        """Have so many replicas, all healthy; return their containers."""
        wait = ("--wait", "--wait-timeout", "300")
        scale = ("--scale", f"{service}={count}")
        self.services(stage)("up", "--detach", "--no-deps", "--no-recreate", *wait, *scale, service)
        containers = self.services(stage).containers(service)
        assert len(containers) == count
        return containers

    def build(self, tag: str, **lines: str) -> None:
        """Build images other than those that run; `lines` of a Dockerfile make one do something else."""
        images, old = self.layout.setting("IMAGES"), self.layout.built().read_text().strip()
        for image in IMAGES:
            content = f"FROM {images}/{image}:{old}\nLABEL built-as={tag}\n"
            content += lines.get(image.replace("-", "_"), "")
            call = (*command(BUILDX), "build", "--load", "--quiet", "--tag", f"{images}/{image}:{tag}", "-")
            subprocess.run(call, input=content, text=True, check=True, capture_output=True)

    def deployment(self, stage: Stage, tag: str) -> Deployment:
        """Return the deployment of images that were built."""
        asked = {"STAGE": stage, "TAG": tag, "SMOKE_SECONDS": "60", "DEPLOYED_BY": "tests"}
        return deployment(Layout(self.layout.state, {**self.layout.environment, **asked}), print)

    def runs(self, stage: Stage) -> dict[str, set[str]]:
        """Return for each service the images, by their label `built-as`, of the containers that it has."""
        project = f"label=com.docker.compose.project={self.layout.setting('PLATFORM')}-{stage}"
        found: dict[str, set[str]] = {}
        form = '{{index .Config.Labels "com.docker.compose.service"}}={{index .Config.Labels "built-as"}}'
        ids = docker("ps", "--all", "--quiet", "--filter", project).stdout.split()
        for line in docker("inspect", "--format", form, *ids).stdout.splitlines():
            service, _, built = line.partition("=")
            found.setdefault(service, set()).add(built)
        found.pop("databases", None)
        return found

    def replicas(self, stage: Stage, service: str) -> int:
        return len(self.services(stage).containers(service, every=True))

    def until_main_serves(self, patience_s: float = 240) -> str:
        """Return the version that was promoted from staging to main."""
        deadline = time.monotonic() + patience_s
        with self.sign_in("main") as admin:
            while time.monotonic() < deadline:
                models = {model["name"]: model["version"] for model in admin.call("GET", "/v1/models")}
                if models.get(MODEL):
                    return str(models[MODEL])
                time.sleep(1)
        raise AssertionError(f"Main still serves nothing after {patience_s:g} s.")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _own_layout(folder: Path, tag: str) -> Layout:
    own = {
        "PLATFORM": "loopkeeper-test",
        "PUBLISH_ON": "127.0.0.1",
        "HTTPS_PORT": str(_free_port()),
        "HTTP_PORT": str(_free_port()),
        "PULL_POLICY": "never",
    }
    inherited = {
        name: value for name, value in os.environ.items() if name not in ("STAGE", "TAG", "STACK_DIR")
    }
    layout = Layout(folder, inherited | own)
    layout.built().write_text(tag)
    return layout


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Start both stages with the images built last; nothing of it is left behind."""
    if not engine_runs():
        pytest.skip("No Docker engine answers here.")
    try:
        tag = Layout.from_environment().tag(PLATFORM)
    except CannotStart as absent:
        pytest.fail(str(absent))
    layout = _own_layout(tmp_path_factory.mktemp("stack"), tag)
    try:
        for stage in STAGES:
            up(layout, stage, print)
        yield Stack(layout)
    finally:
        down(layout, None, print, volumes=True)


@pytest.fixture
def stack(running: Stack) -> Stack:
    """Return the platform once main serves what staging served."""
    running.until_main_serves()
    return running


@pytest.fixture(scope="session")
def rows() -> list[Labelled]:
    return sample_rows(200, seed=3, drift=0.0)

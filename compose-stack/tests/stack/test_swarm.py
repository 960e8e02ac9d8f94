"""The platform and one stage as Docker Swarm runs them, on one node that is a swarm for this test only."""

import json
import os
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Self

import httpx
import pytest

from compose_stack.settings import CannotStart
from compose_stack.stack.compose import docker
from compose_stack.stack.layout import PLATFORM, Layout, Stage
from compose_stack.stack.secrets import make_secrets
from compose_stack.stack.swarm import KEEPER, write
from compose_stack.stack.tools import engine_runs

pytestmark = pytest.mark.stack

NAME = "loopkeeper-swarm"
STAGE: Stage = "main"
AUTHORITY = "/var/lib/caddy/data/caddy/pki/authorities/local/root.crt"
HEALTHY_S, READY_S, CHANGED_S, GONE_S = 600, 300, 420, 120


@dataclass(frozen=True)
class Swarm:
    """What runs, seen from outside."""

    layout: Layout

    def ask(self, path: str) -> httpx.Response:
        """Ask the stage through the edge."""
        host = self.layout.site(STAGE)
        with httpx.Client(verify=self.trust(), timeout=20) as client:
            return client.get(
                f"https://127.0.0.1:{self.layout.setting('HTTPS_PORT')}{path}",
                headers={"Host": host},
                extensions={"sni_hostname": host},
            )

    def trust(self) -> ssl.SSLContext:
        named = f"label=com.docker.swarm.service.name={NAME}_caddy"
        container = docker("ps", "--quiet", "--filter", named, "--filter", "health=healthy").stdout.split()[0]
        return ssl.create_default_context(cadata=docker("exec", container, "cat", AUTHORITY).stdout)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def until(true: Callable[[], bool], patience_s: float, what: Callable[[], str]) -> None:
    deadline = time.monotonic() + patience_s
    while not true():
        if time.monotonic() > deadline:
            pytest.fail(f"After {patience_s:g} s: {what()}")
        time.sleep(1)


def waiting(stack: str) -> list[str]:
    """Return the services of a stack that do not have all their replicas, or, as jobs, have not ended."""
    form = "{{.Name}} {{.Replicas}}"
    named = f"label=com.docker.stack.namespace={stack}"
    lines = docker("service", "ls", "--filter", named, "--format", form).stdout.splitlines()
    found = []
    for line in lines:
        name, replicas, *ended = line.split(maxsplit=2)
        now, wanted = (ended[0].strip("()").split()[0] if ended else replicas).split("/")
        if now != wanted:
            found.append(name)
    return found if lines else ["nothing is there"]


def tasks(stack: str) -> str:
    form = "{{.Name}}: {{.DesiredState}} {{.CurrentState}} {{.Error}}"
    said = docker("stack", "ps", stack, "--no-trunc", "--format", form, check=False).stdout
    return f"{', '.join(waiting(stack))} of {stack} do not run:\n{said}"


def deploy(layout: Layout, owner: str, stack: str) -> None:
    file = str(write(layout, owner))
    docker("stack", "deploy", "--resolve-image", "never", "--compose-file", file, stack)


@pytest.fixture(scope="module")
def swarm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Swarm]:
    if not engine_runs():
        pytest.skip("No Docker engine answers here.")
    if docker("info", "--format", "{{.Swarm.LocalNodeState}}").stdout.strip() != "inactive":
        pytest.skip("This engine is in a swarm already; this test makes one of its own and leaves it.")
    try:
        tag = Layout.from_environment().tag(PLATFORM)
    except CannotStart as absent:
        pytest.fail(str(absent))
    own = {
        "PLATFORM": NAME,
        "TAG": tag,
        "HTTPS_PORT": str(free_port()),
        "HTTP_PORT": str(free_port()),
    }
    inherited = {name: value for name, value in os.environ.items() if name != "STAGE"}
    layout = Layout(tmp_path_factory.mktemp("stack"), inherited | own)
    make_secrets(layout)
    docker("swarm", "init", "--advertise-addr", "127.0.0.1", "--listen-addr", "127.0.0.1")
    try:
        docker("node", "update", "--label-add", f"{KEEPER}=true", docker("node", "ls", "-q").stdout.strip())
        deploy(layout, PLATFORM, NAME)
        until(lambda: not waiting(NAME), HEALTHY_S, lambda: tasks(NAME))
        deploy(layout, STAGE, f"{NAME}-{STAGE}")
        until(lambda: not waiting(f"{NAME}-{STAGE}"), HEALTHY_S, lambda: tasks(f"{NAME}-{STAGE}"))
        yield Swarm(layout)
    finally:
        for stack in (f"{NAME}-{STAGE}", NAME):
            docker("stack", "rm", stack, check=False)
        running = ("ps", "--quiet", "--filter", f"name=^{NAME}")
        try:
            until(lambda: not docker(*running).stdout, GONE_S, lambda: docker(*running).stdout)
        finally:
            docker("swarm", "leave", "--force")
            remove("container", "ls", "--all")  # those of jobs, which have ended
            remove("volume", "ls")


def remove(kind: str, *listing: str) -> None:
    """Remove what this test made of a kind, and nothing else."""
    if named := docker(kind, *listing, "--quiet", "--filter", f"name=^{NAME}").stdout.split():
        docker(kind, "rm", *named)


class Asking:
    """Somebody who asks the stage again and again, and remembers every answer that was none."""

    def __init__(self, swarm: Swarm) -> None:
        self.answered = 0
        self.failed: list[str] = []
        self._swarm = swarm
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._ask)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _ask(self) -> None:
        host = self._swarm.layout.site(STAGE)
        url = f"https://127.0.0.1:{self._swarm.layout.setting('HTTPS_PORT')}/healthz"
        with httpx.Client(verify=self._swarm.trust(), timeout=20) as client:
            while not self._ended.wait(0.05):
                try:
                    client.get(
                        url, headers={"Host": host}, extensions={"sni_hostname": host}
                    ).raise_for_status()
                    self.answered += 1
                except httpx.HTTPError as error:
                    self.failed.append(str(error))


def update_state(service: str) -> str:
    status = json.loads(docker("service", "inspect", service).stdout)[0].get("UpdateStatus") or {}
    return str(status.get("State", "none"))


def test_the_stage_is_ready_through_the_edge(swarm: Swarm) -> None:
    said = "nothing"

    def ready() -> bool:
        nonlocal said
        try:
            answer = swarm.ask("/readyz")
        except (httpx.TransportError, IndexError) as error:
            said = str(error)
            return False
        said = answer.text
        return answer.is_success

    until(ready, READY_S, lambda: said)
    assert swarm.ask("/metrics").status_code == httpx.codes.NOT_FOUND


def test_an_update_takes_no_request_with_it(swarm: Swarm) -> None:
    service = f"{NAME}-{STAGE}_pipeline-api"
    with Asking(swarm) as asking:
        docker("service", "update", "--detach", "--env-add", "LOG_LEVEL=warning", service)
        until(lambda: update_state(service) == "completed", CHANGED_S, lambda: update_state(service))
    assert asking.answered > 0
    assert asking.failed == []
    environment = docker(
        "service", "inspect", "--format", "{{.Spec.TaskTemplate.ContainerSpec.Env}}", service
    )
    assert "LOG_LEVEL=warning" in environment.stdout


def test_an_image_that_does_not_start_is_rolled_back_by_the_swarm(swarm: Swarm) -> None:
    service = f"{NAME}-{STAGE}_pipeline-api"
    wrong = f"loopkeeper/postgres:{swarm.layout.tag(PLATFORM)}"
    with Asking(swarm) as asking:
        docker("service", "update", "--detach", "--no-resolve-image", "--image", wrong, service)
        until(lambda: update_state(service) == "rollback_completed", CHANGED_S, lambda: update_state(service))
    assert asking.failed == []
    image = docker("service", "inspect", "--format", "{{.Spec.TaskTemplate.ContainerSpec.Image}}", service)
    assert "pipeline-api" in image.stdout
    assert swarm.ask("/readyz").is_success

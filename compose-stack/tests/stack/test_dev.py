"""Development in containers, started as `make stack-dev` does and removed with everything it kept."""

import os
import socket
from collections.abc import Iterator

import httpx
import pytest

from compose_stack.stack.dev import Project, down, up
from compose_stack.stack.images import DEBIAN, PREFIX, exists
from compose_stack.stack.layout import Layout, read_env
from compose_stack.stack.tools import engine_runs

pytestmark = pytest.mark.stack

PORTS = ("UI_PORT", "GATEWAY_PORT", "PROCESSOR_PORT", "MLFLOW_PORT", "POSTGRES_PORT", "S3_PORT", "MQTT_PORT")


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Layout]:
    if not engine_runs():
        pytest.skip("No Docker engine answers here.")
    probes = [socket.create_server(("127.0.0.1", 0)) for _ in PORTS]
    own = {name: str(probe.getsockname()[1]) for name, probe in zip(PORTS, probes, strict=True)}
    for probe in probes:
        probe.close()
    own |= {"PLATFORM": "loopkeeper-dev-test", "TAG": "dev-test", "SAMPLE_MODEL": "false"}
    inherited = {name: value for name, value in os.environ.items() if name != "STAGE"}
    made = Layout(tmp_path_factory.mktemp("stack"), inherited | own)
    try:
        up(made, print, offline=exists(f"{PREFIX}/{DEBIAN}"))
        yield made
    finally:
        down(made, print, volumes=True)


def test_everything_answers_on_this_machine(layout: Layout) -> None:
    for name, url in Project(layout).urls().items():
        assert httpx.get(url, timeout=30).status_code == httpx.codes.OK, name


def test_somebody_can_sign_in_and_the_stage_is_ready(layout: Layout) -> None:
    project = Project(layout)
    gateway = f"http://127.0.0.1:{project.setting('GATEWAY_PORT')}"
    assert httpx.get(f"{gateway}/readyz", timeout=30).status_code == httpx.codes.OK
    form = {"username": "admin", "password": read_env(layout.state / "dev.env")["ADMIN_PASSWORD"]}
    httpx.post(f"{gateway}/v1/auth/token", data=form, timeout=30).raise_for_status()


def test_mlflow_knows_the_stage_and_nobody_without_a_password(layout: Layout) -> None:
    project = Project(layout)
    search = f"http://127.0.0.1:{project.setting('MLFLOW_PORT')}/api/2.0/mlflow/registered-models/search"
    assert httpx.get(search, timeout=30).status_code == httpx.codes.UNAUTHORIZED
    password = read_env(layout.state / "dev.env")["STAGING_MLFLOW_PASSWORD"]
    assert httpx.get(search, auth=("staging", password), timeout=30).status_code == httpx.codes.OK

"""Development in containers, started as `make stack-dev` does and removed with everything it kept."""

import os
import socket
import subprocess
import time
from collections.abc import Iterator

import httpx
import pytest

from compose_stack.stack.dev import Project, down, up
from compose_stack.stack.images import DEBIAN, PREFIX, exists
from compose_stack.stack.layout import Layout, read_env
from compose_stack.stack.tools import engine_runs

pytestmark = pytest.mark.stack

PORTS = (
    *("UI_PORT", "GATEWAY_PORT", "PROCESSOR_PORT", "MLFLOW_PORT", "POSTGRES_PORT", "S3_PORT"),
    *("PICTURES_PORT", "MQTT_PORT", "MQTT_WEBSOCKET_PORT"),
)


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


def test_the_logs_of_every_service_are_files_that_outlive_it(layout: Layout) -> None:
    project = Project(layout)

    def logs(service: str) -> dict[str, str]:
        """Return the files of a service, by their names, as the processor sees them."""
        script = (
            f'cd /var/log/loopkeeper && for file in {service}*.log; do echo "==> $file"; cat "$file"; done'
        )
        said = project("exec", "-T", "serve", "sh", "-c", script)
        parts = [part.partition("\n") for part in said.split("==> ")[1:]]
        return {name: text for name, _, text in parts}

    for service in ("data-processor", "pipeline-api"):
        assert any(text.strip() for text in logs(service).values()), service
    # The pages have nothing to say of themselves before somebody opens one.
    assert logs("streamlit-ui").keys() == {"streamlit-ui-1.log"}
    before = logs("pipeline-api")
    project("up", "--detach", "--no-deps", "--force-recreate", "--wait", "pipeline-api")
    after = logs("pipeline-api")
    assert all(after[name].startswith(text) for name, text in before.items())
    assert sum(map(len, after.values())) > sum(map(len, before.values()))


PATIENCE_S = "8"


class Broker:
    """Clients of the broker, run where it runs."""

    def __init__(self, layout: Layout) -> None:
        self._project = Project(layout)
        self._container = self._project("ps", "--quiet", "mosquitto").strip()
        form = {"username": "admin", "password": read_env(layout.state / "dev.env")["ADMIN_PASSWORD"]}
        self._gateway = httpx.Client(
            base_url=f"http://127.0.0.1:{self._project.setting('GATEWAY_PORT')}", timeout=30
        )
        token = self._gateway.post("/v1/auth/token", data=form).json()["access_token"]
        self._gateway.headers["Authorization"] = f"Bearer {token}"
        self._passwords: dict[str, str] = {}
        self._ids: dict[str, str] = {}

    def add(self, name: str) -> None:
        """Make a device, and wait until the broker knows it."""
        made = self._gateway.post("/v1/auth/devices", json={"name": name}).raise_for_status().json()
        self._passwords[name], self._ids[name] = made["password"], made["id"]
        deadline = time.monotonic() + 10
        while self.say(name, f"none/actions/predict/{name}") != 0:
            assert time.monotonic() < deadline, f"the broker does not know {name}"

    def revoke(self, name: str) -> None:
        self._gateway.delete(f"/v1/auth/devices/{self._ids[name]}").raise_for_status()

    def listen(self, name: str, topics: str) -> subprocess.Popen[str]:
        """Return a client that listens already, and ends with the first message or after some seconds."""
        ending = ("-C", "1", "-W", PATIENCE_S)
        call = self._call("mosquitto_sub", name, topics, *ending, "-F", "%t %p", "-d")
        client = subprocess.Popen(call, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert client.stdout is not None
        for line in client.stdout:
            if "received SUBACK" in line:
                return client
        pytest.fail(f"{name} could not subscribe to {topics}.")

    def say(self, name: str, topic: str, *, password: str | None = None) -> int:
        asked = '{"$id": 1, "inputs": []}'
        call = self._call("mosquitto_pub", name, topic, "-q", "1", "-m", asked, password=password)
        return subprocess.run(call, capture_output=True, check=False, timeout=30).returncode

    def _call(
        self, program: str, name: str, topic: str, *more: str, password: str | None = None
    ) -> list[str]:
        known = password or self._passwords[name]
        who = ("-h", "127.0.0.1", "-u", name, "-P", known, "-t", topic)
        # Line by line, so that what a client says of itself is there at once.
        return ["docker", "exec", self._container, "stdbuf", "-oL", program, *who, *more]


def heard(client: subprocess.Popen[str]) -> list[str]:
    said, _ = client.communicate(timeout=30)
    return [line for line in said.splitlines() if "/results/" in line and "$id" in line]


def test_a_device_is_answered_and_no_other_reads_it_until_it_is_revoked(layout: Layout) -> None:
    broker = Broker(layout)
    broker.add("door")
    broker.add("spy")
    door, spy = broker.listen("door", "+/results/+/door"), broker.listen("spy", "#")
    assert broker.say("door", "none/actions/predict/door") == 0
    assert heard(door)[0].startswith("none/results/predict/door ")
    assert heard(spy) == []
    assert broker.say("door", "none/actions/predict/door", password="wrong") != 0
    broker.revoke("door")
    deadline = time.monotonic() + 10
    while broker.say("door", "none/actions/predict/door") == 0:
        assert time.monotonic() < deadline, "the broker still lets it in"

"""Development in containers, started as `make stack-dev` does and removed with everything it kept."""

import os
import socket
import subprocess
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
        self._container = Project(layout)("ps", "--quiet", "mosquitto").strip()
        self._secrets = read_env(layout.state / "dev.env")

    def listen(self, user: str, topics: str) -> subprocess.Popen[str]:
        """Return a client that listens already, and ends with the first message or after some seconds."""
        ending = ("-C", "1", "-W", PATIENCE_S)
        call = self._call("mosquitto_sub", user, topics, *ending, "-F", "%t %p", "-d")
        client = subprocess.Popen(call, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert client.stdout is not None
        for line in client.stdout:
            if "received SUBACK" in line:
                return client
        pytest.fail(f"{user} could not subscribe to {topics}.")

    def say(self, user: str, topic: str, *, password: str | None = None) -> int:
        call = self._call("mosquitto_pub", user, topic, "-q", "1", "-m", "hello", password=password)
        return subprocess.run(call, capture_output=True, check=False, timeout=30).returncode

    def _call(
        self, program: str, user: str, topic: str, *more: str, password: str | None = None
    ) -> list[str]:
        known = password or self._secrets[f"STAGING_MQTT_{user.upper()}_PASSWORD"]
        who = ("-h", "127.0.0.1", "-u", user, "-P", known, "-t", topic)
        # Line by line, so that what a client says of itself is there at once.
        return ["docker", "exec", self._container, "stdbuf", "-oL", program, *who, *more]


def heard(client: subprocess.Popen[str]) -> list[str]:
    said, _ = client.communicate(timeout=30)
    return [line for line in said.splitlines() if line.endswith(" hello")]


def test_what_devices_ask_reaches_the_gateway_and_no_other_device(layout: Layout) -> None:
    broker = Broker(layout)
    gateway, device = broker.listen("gateway", "+/actions/+"), broker.listen("devices", "#")
    assert broker.say("devices", "people/actions/predict") == 0
    assert heard(gateway) == ["people/actions/predict hello"]
    assert heard(device) == []


def test_what_the_gateway_answers_reaches_devices_which_cannot_answer_themselves(layout: Layout) -> None:
    broker = Broker(layout)
    device = broker.listen("devices", "people/results/predict")
    assert broker.say("gateway", "people/results/predict") == 0
    assert heard(device) == ["people/results/predict hello"]
    device = broker.listen("devices", "people/results/predict")
    broker.say("devices", "people/results/predict")
    assert heard(device) == []


def test_nobody_gets_into_the_broker_with_another_password(layout: Layout) -> None:
    broker = Broker(layout)
    assert broker.say("devices", "people/actions/predict") == 0
    assert broker.say("devices", "people/actions/predict", password="wrong") != 0
    other = read_env(layout.state / "dev.env")["MAIN_MQTT_DEVICES_PASSWORD"]
    assert broker.say("devices", "people/actions/predict", password=other) != 0

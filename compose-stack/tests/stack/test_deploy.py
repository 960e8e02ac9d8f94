"""Deployments of a stage that people use: a good one, every kind of bad one, and one that is killed."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from compose_stack.delivery.deploy import RolledBack
from compose_stack.delivery.journal import Journal
from compose_stack.stack.layout import Stage
from compose_stack.traffic import Labelled
from stack.conftest import Stack
from stack.load import Load

pytestmark = [pytest.mark.stack, pytest.mark.timeout(1200)]

STAGE: Stage = "main"
LISTENING = (
    'import http.server as s; s.ThreadingHTTPServer(("", int(__import__("os").environ["PORT"])), '
    "s.BaseHTTPRequestHandler).serve_forever()"
)
BROKEN = {
    "does not start": 'ENTRYPOINT ["false"]\n',
    "hears nothing": 'HEALTHCHECK CMD ["true"]\nENTRYPOINT ["sh", "-c", "exec sleep infinity"]\n',
    "knows nothing": f'HEALTHCHECK CMD ["true"]\nENTRYPOINT {json.dumps(["python3", "-c", LISTENING])}\n',
}
"""What is wrong with an image. The last two are healthy."""


def outcomes(stack: Stack) -> list[str]:
    events = Journal(stack.layout.deployments, STAGE).events.read_text().splitlines()
    return [json.loads(event)["outcome"] for event in events]


def test_a_deployment_takes_no_request_with_it(stack: Stack, rows: list[Labelled]) -> None:
    stack.scale(STAGE, "serve", 2)
    stack.scale(STAGE, "pipeline-api", 2)
    stack.build("sha-next")
    with Load(stack, STAGE, rows) as load:
        load.wait_for(50)
        stack.deployment(STAGE, "sha-next").run()
        load.wait_for(100)
    assert load.failed == []
    assert set.union(*stack.runs(STAGE).values()) == {"sha-next"}
    assert [stack.replicas(STAGE, service) for service in ("serve", "work", "pipeline-api")] == [2, 1, 2]
    assert outcomes(stack)[-2:] == ["started", "succeeded"]
    containers = {service: stack.services(STAGE).containers(service) for service in stack.runs(STAGE)}
    stack.deployment(STAGE, "sha-next").run()
    assert {service: stack.services(STAGE).containers(service) for service in containers} == containers
    stack.scale(STAGE, "serve", 1)
    stack.scale(STAGE, "pipeline-api", 1)


@pytest.mark.parametrize("wrong", BROKEN)
@pytest.mark.parametrize("image", ["data_processor", "pipeline_api"])
def test_a_broken_image_is_rolled_back_and_nobody_notices(
    stack: Stack, rows: list[Labelled], image: str, wrong: str
) -> None:
    before = stack.runs(STAGE)
    stack.build("sha-broken", **{image: BROKEN[wrong]})
    with Load(stack, STAGE, rows) as load:
        load.wait_for(50)
        with pytest.raises(RolledBack, match="main was rolled back, and what it ran before is healthy again"):
            stack.deployment(STAGE, "sha-broken").run()
        load.wait_for(50)
    assert load.failed == []
    assert stack.runs(STAGE) == before
    assert outcomes(stack)[-2:] == ["started", "rolled-back"]


def test_the_command_fails_with_a_broken_revision_and_the_old_one_serves(
    stack: Stack, rows: list[Labelled]
) -> None:
    before = stack.runs(STAGE)
    stack.build("sha-broken", streamlit_ui=BROKEN["does not start"])
    with Load(stack, STAGE, rows) as load:
        load.wait_for(20)
        done = command(stack, "sha-broken")
        said, wrong = done.communicate(timeout=900)
        load.wait_for(20)
    assert done.returncode == 1, said
    assert "main was rolled back" in wrong
    assert load.failed == []
    assert stack.runs(STAGE) == before


def test_a_deployment_that_is_cancelled_twice_goes_back(stack: Stack, rows: list[Labelled]) -> None:
    before = stack.runs(STAGE)
    stack.build("sha-cancelled")
    with Load(stack, STAGE, rows) as load:
        load.wait_for(20)
        cancelled = command(stack, "sha-cancelled")
        until_it_runs(stack, cancelled, "sha-cancelled", "serve")
        for _ in range(2):
            cancelled.terminate()
            time.sleep(1)
        said, wrong = cancelled.communicate(timeout=600)
        load.wait_for(20)
    assert cancelled.returncode == 1, said
    assert "It was interrupted" in wrong
    assert load.failed == []
    assert stack.runs(STAGE) == before


def test_a_deployment_that_is_killed_is_put_right_by_the_next(stack: Stack, rows: list[Labelled]) -> None:
    stack.build("sha-killed")
    stack.build("sha-after")
    with Load(stack, STAGE, rows) as load:
        load.wait_for(20)
        killed = command(stack, "sha-killed")
        until_it_runs(stack, killed, "sha-killed", "pipeline-api")
        os.killpg(killed.pid, signal.SIGKILL)
        killed.communicate()
        load.wait_for(50)
        stack.deployment(STAGE, "sha-after").run()
        load.wait_for(50)
    assert load.failed == []
    assert set.union(*stack.runs(STAGE).values()) == {"sha-after"}
    assert [stack.replicas(STAGE, service) for service in ("serve", "work", "pipeline-api")] == [1, 1, 1]


def command(stack: Stack, tag: str) -> "subprocess.Popen[str]":
    """Start `make deploy`, as far as it is Python."""
    told = {"STAGE": STAGE, "TAG": tag, "STACK_DIR": str(stack.layout.state), "SMOKE_SECONDS": "60"}
    return subprocess.Popen(
        [sys.executable, "-m", "compose_stack.delivery.deploy"],
        env={**stack.layout.environment, **told},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def until_it_runs(stack: Stack, deployment: "subprocess.Popen[str]", tag: str, service: str) -> None:
    """Return as soon as a service has a container of a tag."""
    deadline = time.monotonic() + 300
    while tag not in stack.runs(STAGE).get(service, ()):
        assert time.monotonic() < deadline, stack.runs(STAGE)
        assert deployment.poll() is None, deployment.communicate()
        time.sleep(0.2)

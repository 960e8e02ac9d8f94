"""Replicas: more of a service, and one that is killed while people use it."""

import time

import pytest

from compose_stack.stack.compose import docker
from compose_stack.traffic import MODEL, Labelled
from stack.conftest import Stack
from stack.load import Load

pytestmark = [pytest.mark.stack, pytest.mark.timeout(900)]


@pytest.mark.parametrize("service", ["serve", "pipeline-api"])
def test_a_killed_replica_takes_no_request_with_it(stack: Stack, rows: list[Labelled], service: str) -> None:
    replicas = stack.scale("main", service, 2)
    with Load(stack, "main", rows) as load:
        load.wait_for(100)
        docker("kill", "--signal", "KILL", replicas[0])
        load.wait_for(200)
    assert load.failed == []
    assert docker("inspect", "--format", "{{.State.Running}}", replicas[0]).stdout.strip() == "false"
    stack.scale("main", service, 1)


@pytest.mark.parametrize("service", ["serve", "pipeline-api"])
def test_replicas_come_and_go_and_no_request_fails(stack: Stack, rows: list[Labelled], service: str) -> None:
    with Load(stack, "main", rows) as load:
        load.wait_for(50)
        stack.scale("main", service, 3)
        load.wait_for(100)
        stack.scale("main", service, 1)
        load.wait_for(100)
    assert load.failed == []


def test_a_killed_worker_takes_no_run_with_it(stack: Stack) -> None:
    workers = stack.scale("main", "work", 2)
    with stack.sign_in("main") as admin:
        admin.set_policy(MODEL, auto_promote=False, budget_s=20)
        run = admin.start_run(MODEL)["id"]
        deadline = time.monotonic() + 300
        while not (busy := [one for one in workers if run in written_by(one)]):
            assert time.monotonic() < deadline, admin.run(run)
            time.sleep(0.2)
        docker("kill", "--signal", "KILL", *busy)
        assert admin.run(run)["status"] == "running"
        while (seen := admin.run(run))["status"] == "running":
            assert time.monotonic() < deadline, seen
            time.sleep(1)
    assert len(busy) == 1
    assert seen["status"] == "succeeded", seen["error"]
    stack.scale("main", "work", 1)


def written_by(container: str) -> str:
    said = docker("logs", container)
    return said.stdout + said.stderr

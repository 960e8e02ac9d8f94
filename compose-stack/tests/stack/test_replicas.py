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


@pytest.mark.parametrize("killed", [0, 1])
def test_of_two_workers_one_is_killed_and_its_run_goes_on(stack: Stack, killed: int) -> None:
    """One of the two has the run, whichever that is."""
    workers = sorted(stack.scale("main", "work", 2))
    with stack.sign_in("main") as admin:
        admin.set_policy(MODEL, auto_promote=False, budget_s=5)
        run = admin.start_run(MODEL)["id"]
        deadline = time.monotonic() + 300
        while admin.run(run)["status"] == "queued":
            assert time.monotonic() < deadline
            time.sleep(0.2)
        docker("kill", "--signal", "KILL", workers[killed])
        while (seen := admin.run(run))["status"] == "running":
            assert time.monotonic() < deadline, seen
            time.sleep(1)
    assert seen["status"] == "succeeded", seen["error"]
    stack.scale("main", "work", 1)

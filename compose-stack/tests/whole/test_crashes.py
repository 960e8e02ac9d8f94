"""Kill processes with -9, again and again, under load: nothing acknowledged is lost, and runs resume."""

import random
import time

import psutil
import pytest

from compose_stack.client import Client, Refused
from compose_stack.instance import Instance
from compose_stack.traffic import MODEL, Labelled
from recording_clients import RecordingClients, assert_kept

pytestmark = pytest.mark.services

BACK_S = 60.0
RUN_S = 240.0
LONGEST_LIVES_S = {"serve": 6.0, "work": 12.0}
"""Long enough to be killed while it starts, and while it works."""
SEED = 20
KILLS = 20


def kill(instance: Instance, process: str, after_s: float = 0) -> None:
    """Kill a process of the data-processor once it has lived for a while."""
    deadline = time.monotonic() + BACK_S
    while True:
        try:
            victim = instance.process("data-processor", process)
            break
        except LookupError:
            assert time.monotonic() < deadline, f"{process} did not come back"
            time.sleep(0.05)
    time.sleep(after_s)
    try:
        victim.kill()
    except psutil.NoSuchProcess:
        return


def wait_until_serving(client: Client, row: Labelled) -> None:
    deadline = time.monotonic() + BACK_S
    while True:
        try:
            client.predict(MODEL, [row.inputs])
        except Refused:
            assert time.monotonic() < deadline, "predictions did not come back"
            time.sleep(0.1)
        else:
            return


def wait_for_run(client: Client, run: str) -> dict[str, object]:
    deadline = time.monotonic() + RUN_S
    while (seen := client.run(run))["status"] in ("queued", "running"):
        assert time.monotonic() < deadline, f"the run is still {seen['status']} at {seen['step']}"
        time.sleep(0.2)
    assert isinstance(seen, dict)
    return seen


@pytest.mark.timeout(1800)
def test_twenty_crashes_lose_nothing_acknowledged(
    instance: Instance, admin: Client, rows: list[Labelled]
) -> None:
    draw = random.Random(SEED)  # noqa: S311  # repeatable, not secret
    run = admin.start_run(MODEL, budget_s=1, reason="a run that will be killed")["id"]
    with RecordingClients(admin.url, admin.authorization, rows) as clients:
        for number in range(KILLS):
            process, longest = list(LONGEST_LIVES_S.items())[number % 2]
            kill(instance, process, draw.uniform(0, longest))
        wait_until_serving(admin, rows[0])
        ended = wait_for_run(admin, run)
    assert ended["status"] == "succeeded", ended["error"]
    assert not clients.acknowledged.faults
    assert len(clients.acknowledged.feedback) > 10 * KILLS
    assert_kept(admin, clients.acknowledged)


@pytest.mark.timeout(1800)
def test_a_run_killed_as_each_of_its_steps_begins_resumes_there(
    instance: Instance, admin: Client, rows: list[Labelled]
) -> None:
    run = admin.start_run(MODEL, budget_s=1, reason="a run that will be killed at each step")["id"]
    killed: list[str] = []
    deadline = time.monotonic() + RUN_S * 4
    with RecordingClients(admin.url, admin.authorization, rows) as clients:
        while (seen := admin.run(run))["status"] in ("queued", "running"):
            assert time.monotonic() < deadline, f"the run is still at {seen['step']}; killed at {killed}"
            if seen["step"] and seen["step"] not in killed:
                kill(instance, "work")
                killed.append(seen["step"])
            time.sleep(0.02)
    assert seen["status"] == "succeeded", seen["error"]
    assert len(killed) >= 5
    assert not clients.acknowledged.faults
    assert_kept(admin, clients.acknowledged)
    assert [entry["run"] for entry in admin.ledger(MODEL)].count(run) <= 1


@pytest.mark.timeout(600)
def test_the_whole_platform_killed_at_once_loses_nothing_acknowledged(
    instance: Instance, admin: Client, rows: list[Labelled]
) -> None:
    with RecordingClients(admin.url, admin.authorization, rows) as clients:
        time.sleep(2)
        instance.kill()
    instance.start()
    with instance.sign_in() as after:
        assert_kept(after, clients.acknowledged)
        assert clients.acknowledged.feedback

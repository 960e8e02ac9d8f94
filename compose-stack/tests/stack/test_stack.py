"""What a stack of two stages promises, proven on a real engine."""

import subprocess
import time
from pathlib import Path

import pytest

from compose_stack.client import Refused
from compose_stack.stack.backup import backup, restore
from compose_stack.stack.compose import docker
from compose_stack.stack.journey import travel
from compose_stack.stack.layout import PLATFORM, STAGES
from compose_stack.stack.rollout import RolledBack, deploy
from compose_stack.stack.stages import down, up
from compose_stack.stack.tools import BUILDX, command
from compose_stack.traffic import MODEL, Labelled
from stack.conftest import Stack
from stack.load import Load

pytestmark = [pytest.mark.stack, pytest.mark.timeout(1800)]


def until_main_serves(stack: Stack, patience_s: float = 120) -> str:
    """Return the version that crossed to main."""
    deadline = time.monotonic() + patience_s
    with stack.sign_in("main") as admin:
        while time.monotonic() < deadline:
            served = [model["version"] for model in admin.call("GET", "/v1/models") if model["version"]]
            if served:
                return str(served[0])
            time.sleep(1)
    raise AssertionError(f"Main serves nothing after {patience_s:g} s.")


def test_a_version_reaches_main_by_its_receipt_and_after_staging_served_it(stack: Stack) -> None:
    version = until_main_serves(stack)
    with stack.sign_in("main") as admin:
        entries = [entry for entry in admin.ledger(MODEL) if entry["version"] == version]
        stages = {entry["stage"]: entry for entry in entries}
    assert set(stages) == {"staging", "main"}
    assert stages["main"]["receipt"]["verdict"] == "promote"


def test_main_refuses_what_staging_did_not_serve(stack: Stack) -> None:
    until_main_serves(stack)
    with stack.sign_in("main") as admin:
        admin.set_policy(MODEL, auto_promote=False, budget_s=2)
        run = admin.start_run(MODEL)["id"]
        deadline = time.monotonic() + 300
        while (seen := admin.run(run))["status"] in ("queued", "running"):
            assert time.monotonic() < deadline, seen
            time.sleep(1)
        assert seen["status"] == "succeeded", seen["error"]
        with pytest.raises(Refused, match=r"no receipt|not been served in staging"):
            admin.promote(MODEL, seen["version"], "It was trained here.")


@pytest.mark.parametrize("stage", STAGES)
def test_the_journey_leads_through_the_edge(stack: Stack, stage: str, rows: list[Labelled]) -> None:
    until_main_serves(stack)
    travelled = travel(stack.layout, stack.platform, stage, rows[:5])  # type: ignore[arg-type]
    assert travelled.stage == stage
    assert len(travelled.predictions) == 5


def test_a_killed_replica_takes_no_request_with_it(stack: Stack, rows: list[Labelled]) -> None:
    until_main_serves(stack)
    services = stack.services("main")
    services("up", "--detach", "--no-deps", "--wait", "--scale", "serve=2", "serve")
    with Load(stack, "main", rows) as load:
        load.wait_for(100)
        docker("kill", "--signal", "KILL", services.containers("serve")[0])
        load.wait_for(200)
    assert load.failed == []
    services("up", "--detach", "--no-deps", "--wait", "--scale", "serve=1", "serve")


def again(stack: Stack, tag: str, dockerfile: str = "") -> None:
    """Give every service image another tag; with a Dockerfile's lines, the processor's is another image."""
    images, old = stack.layout.setting("IMAGES"), stack.layout.tag("main", keep=True)
    for name in ("postgres", "data-processor", "pipeline-api", "streamlit-ui"):
        docker("tag", f"{images}/{name}:{old}", f"{images}/{name}:{tag}")
    if dockerfile:
        content = f"FROM {images}/data-processor:{old}\n{dockerfile}\n"
        call = (
            *command(BUILDX),
            "build",
            "--load",
            "--quiet",
            "--tag",
            f"{images}/data-processor:{tag}",
            "-",
        )
        subprocess.run(call, input=content, text=True, check=True)


def test_a_deployment_takes_no_request_with_it(stack: Stack, rows: list[Labelled]) -> None:
    until_main_serves(stack)
    again(stack, "sha-next")
    with Load(stack, "main", rows) as load:
        load.wait_for(50)
        deploy(stack.layout, "main", "sha-next", print)
        load.wait_for(100)
    assert load.failed == []
    image = docker(
        "inspect", "--format", "{{.Config.Image}}", *stack.services("main").containers("serve")
    ).stdout
    assert image.strip().endswith(":sha-next")


def test_a_broken_image_is_rolled_back_and_nobody_notices(stack: Stack, rows: list[Labelled]) -> None:
    until_main_serves(stack)
    before = stack.layout.tag("main", keep=True)
    again(stack, "sha-broken", 'ENTRYPOINT ["false"]')
    with Load(stack, "main", rows) as load:
        load.wait_for(50)
        with pytest.raises(RolledBack):
            deploy(stack.layout, "main", "sha-broken", print)
        load.wait_for(50)
    assert load.failed == []
    services = stack.services("main")
    assert stack.layout.tag("main", keep=True) == before
    for service in ("serve", "work"):
        images = docker(
            "inspect", "--format", "{{.Config.Image}}", *services.containers(service)
        ).stdout.split()
        assert images
        assert all(image.endswith(f":{before}") for image in images)


def test_a_backup_brings_everything_back_into_an_empty_stack(
    stack: Stack, rows: list[Labelled], tmp_path: Path
) -> None:
    until_main_serves(stack)
    travelled = travel(stack.layout, stack.platform, "main", rows[:5])
    backup(stack.layout, tmp_path / "backup", print)
    tags = {owner: stack.layout.tag(owner, keep=True) for owner in (PLATFORM, *STAGES)}
    down(stack.layout, None, print, volumes=True)
    stack.layout.built().write_text(tags[PLATFORM])
    restore(stack.layout, tmp_path / "backup", print)
    up(stack.layout, "main", print)
    with stack.sign_in("main") as admin:
        for prediction in travelled.predictions:
            found = admin.prediction(prediction)
            assert found["version"] == travelled.version
            assert found["feedback"]
        assert admin.score(MODEL)["n"] == travelled.judged
        answer = admin.predict(MODEL, [row.inputs for row in rows[:2]])
        assert answer["version"] == travelled.version

"""`make stack-up`, `make stack-down`, `make stack-status`: a stage and the platform under it."""

import argparse
import os
import sys
import time
from collections.abc import Callable, Sequence

from compose_stack.delivery.journal import Journal
from compose_stack.delivery.smoke import PublicFace
from compose_stack.settings import CannotStart
from compose_stack.stack.compose import Compose, docker
from compose_stack.stack.edge import edge_transport
from compose_stack.stack.layout import PLATFORM, STAGES, Layout, Stage, stage_of
from compose_stack.stack.secrets import make_secrets

READY_S = 420
"""The first start of staging trains the sample model."""
WAIT = ("--wait", "--wait-timeout", "300")
PATIENCE_S = 300
"""How long starting one stage waits for the other, which may be starting the platform at the same time."""

Say = Callable[[str], None]


def up(layout: Layout, stage: Stage, say: Say) -> None:
    """Start a stage, and the platform if it is not running; return when the public face says it is ready.

    `SCALE` sets the number of replicas, as in `serve=2 work=2`. Raises `CannotStart`.
    """
    began = time.monotonic()
    make_secrets(layout)
    platform = Compose(layout, PLATFORM, layout.tag(PLATFORM, keep=True))
    with Journal(layout.deployments, PLATFORM).only_deployment(PATIENCE_S):
        _start(layout, platform)
    say(f"The platform was healthy after {time.monotonic() - began:.0f} s ({platform.tag}).")
    services = Compose(layout, stage, layout.tag(stage))
    with Journal(layout.deployments, stage).only_deployment():
        _start(layout, services, layout.environment.get("SCALE", "").split())
    say(f"Stage {stage} was healthy after {time.monotonic() - began:.0f} s ({services.tag}).")
    PublicFace(layout.url(stage), lambda: edge_transport(layout, platform)).check(READY_S)
    say(f"Stage {stage} was ready after {time.monotonic() - began:.0f} s.")
    say(f"  Pages      {layout.url(stage)}")
    say(f"  API        {layout.url(stage)}/docs")
    say(f"  Sign in    as admin, with the ADMIN_PASSWORD in {layout.secrets(stage)}")


def down(layout: Layout, stage: Stage | None, say: Say, *, volumes: bool = False) -> None:
    """Stop a stage, or everything; data is kept unless `volumes` is set."""
    flags = ("--volumes",) if volumes else ()
    for one in (stage,) if stage else STAGES:
        with Journal(layout.deployments, one).only_deployment():
            Compose(layout, one, _any_tag(layout, one))("down", "--remove-orphans", *flags)
        say(f"Stage {one} is down.")
    if stage is None:
        Compose(layout, PLATFORM, _any_tag(layout, PLATFORM))("down", "--remove-orphans", *flags)
        say("The platform is down.")
        for path in (layout.running(owner) for owner in (PLATFORM, *STAGES)):
            path.unlink(missing_ok=True)


def status(layout: Layout, say: Say) -> None:
    """Print what runs, and how much memory each container uses."""
    prefix = layout.setting("PLATFORM")
    form = "{{.Name}}\t{{.MemUsage}}\t{{.CPUPerc}}"
    running = docker("ps", "--quiet", "--filter", f"name=^{prefix}-").stdout.split()
    if not running:
        say("Nothing is running.")
        return
    for line in sorted(docker("stats", "--no-stream", "--format", form, *running).stdout.splitlines()):
        name, memory, cpu = line.split("\t")
        say(f"{name:42} {memory:24} {cpu:>8}")


def _start(layout: Layout, project: Compose, scale: Sequence[str] = ()) -> None:
    replicas = (part for count in scale for part in ("--scale", count))
    project("up", "--detach", "--remove-orphans", *WAIT, *replicas)
    layout.running(project.owner).write_text(f"{project.tag}\n")


def _any_tag(layout: Layout, owner: str) -> str:
    """Return a tag for a call that starts nothing."""
    try:
        return layout.tag(owner, keep=True)
    except CannotStart:
        return "none"


def main() -> int:
    """Start, stop or show stages; print why and return 1 if that fails."""
    parser = argparse.ArgumentParser(description="Start, stop and show the stages of a stack.")
    parser.add_argument("action", choices=("up", "down", "status"))
    parser.add_argument("--volumes", action="store_true", help="down: delete the data as well")
    asked = parser.parse_args()
    layout = Layout.from_environment()

    def say(line: str) -> None:
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()

    try:
        if asked.action == "up":
            up(layout, stage_of(os.environ), say)
        elif asked.action == "down":
            make_secrets(layout)  # Compose needs the files even to stop
            down(
                layout, stage_of(os.environ) if os.environ.get("STAGE") else None, say, volumes=asked.volumes
            )
        else:
            status(layout, say)
    except CannotStart as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

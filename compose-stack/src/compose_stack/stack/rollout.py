"""`make deploy`: another version of the services, one after the other, without a request failing on the way.

Each service gets as many new containers beside its old ones; once they are healthy, the old ones finish what
they do and go. If new ones do not get healthy, or the journey through the edge fails, every service that was
changed goes back to the tag before, and the command says so and fails.
"""

import os
import sys
import time
from collections.abc import Callable

from compose_stack.client import Refused
from compose_stack.settings import CannotStart
from compose_stack.stack.compose import Compose, docker
from compose_stack.stack.door import sign_in
from compose_stack.stack.layout import PLATFORM, Layout, Stage, stage_of
from compose_stack.stack.stages import wait_until_ready

TOGETHER = ("serve", "pipeline-api", "streamlit-ui")
"""Old and new may run at the same time, in the order in which they are changed."""
ALONE = "work"
"""A worker has a name that it alone may use: the old one goes first. Nobody waits for it."""
HEALTHY_S = "180"
DRAIN_S = "30"
READY_S = 120

Say = Callable[[str], None]


class RolledBack(Exception):
    """A deployment failed, and what ran before runs again."""


def deploy(layout: Layout, stage: Stage, tag: str, say: Say) -> None:
    """Change a running stage to another tag; raises `RolledBack`, or `CannotStart` if it does not run."""
    before = layout.running(stage)
    if not before.exists():
        raise CannotStart(f"Stage {stage} does not run: `make stack-up STAGE={stage}` starts it.")
    old = Compose(layout, stage, before.read_text().strip())
    new = Compose(layout, stage, tag)
    platform = Compose(layout, PLATFORM, layout.tag(PLATFORM, keep=True))
    changed: list[str] = []
    try:
        for service in (*TOGETHER, ALONE):
            changed.append(service)
            began = time.monotonic()
            _change(new, service)
            say(f"{service} runs {tag} after {time.monotonic() - began:.0f} s.")
        _check(layout, platform, stage)
    except (CannotStart, Refused, OSError) as error:
        say(f"{error}\nGoing back to {old.tag}.")
        for service in reversed(changed):
            _change(old, service)
        raise RolledBack(f"{tag} did not hold; stage {stage} runs {old.tag} as before.") from error
    before.write_text(f"{tag}\n")
    say(f"Stage {stage} runs {tag}.")


def _change(project: Compose, service: str) -> None:
    """Let a service run the project's tag; raises `CannotStart` and leaves what runs if that fails."""
    if service == ALONE:
        project("up", "--detach", "--no-deps", "--wait", "--wait-timeout", HEALTHY_S, service)
        return
    there = project.containers(service)
    old = [one for one in there if not _runs(one, project.tag)]
    if not old:
        return
    count = f"{service}={len(there) + len(old)}"
    try:
        flags = ("--detach", "--no-deps", "--no-recreate", "--wait", "--wait-timeout", HEALTHY_S)
        project("up", *flags, "--scale", count, service)
    except CannotStart:
        born = set(project.containers(service, every=True)) - set(there)
        if born:
            docker("rm", "--force", *born)
        raise
    docker("stop", "--time", DRAIN_S, *old)
    docker("rm", *old)


def _runs(container: str, tag: str) -> bool:
    image = docker("inspect", "--format", "{{.Config.Image}}", container).stdout.strip()
    return image.endswith(f":{tag}")


def _check(layout: Layout, platform: Compose, stage: Stage) -> None:
    """Ask through the edge what people would; raises `CannotStart` or `Refused`."""
    wait_until_ready(layout, platform, stage, READY_S)
    with sign_in(layout, platform, stage) as admin:
        for model in admin.call("GET", "/v1/models"):
            admin.model(model["name"])


def main() -> int:
    """Deploy `TAG` to `STAGE`; return 1 when it was rolled back or could not begin."""
    layout = Layout.from_environment()

    def say(line: str) -> None:
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()

    try:
        stage = stage_of(os.environ)
        deploy(layout, stage, layout.tag(stage), say)
    except (CannotStart, RolledBack) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""`make deploy STAGE=staging`: put images in place, prove that they work, or put back what was there.

1. Settle for each image which one exactly is meant; check who signed it; fetch it.
2. Start what changes beside what runs, service by service, each proved before anybody is sent to it
   (change.py); then ask the stage by its public face.
3. All well: that is now what the stage runs, on record. Anything else: go back to what ran before, and end
   with an error.

A deployment that is killed at any moment leaves the stage's environment file naming the last images that were
well: the same command again, or starting the stage, puts things right.
"""

import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from compose_stack.delivery import images
from compose_stack.delivery.change import Change
from compose_stack.delivery.containers import Container, Containers
from compose_stack.delivery.docker import Docker, Stack, starting
from compose_stack.delivery.images import IMAGES, Local, Pins, Registry
from compose_stack.delivery.journal import Journal
from compose_stack.delivery.problems import Problem
from compose_stack.delivery.questions import Asking
from compose_stack.delivery.settings import DeploymentSettings
from compose_stack.delivery.signatures import Signatures
from compose_stack.delivery.smoke import PublicFace
from compose_stack.delivery.stack import compose_environment, platform_tag
from compose_stack.settings import CannotStart
from compose_stack.stack.compose import Compose, project_arguments
from compose_stack.stack.door import door_of
from compose_stack.stack.layout import PLATFORM, Layout
from compose_stack.stack.secrets import make_secrets
from compose_stack.stack.tools import COMPOSE, command

LOG_LINES = 20
INTERRUPTIONS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class RolledBack(Problem):
    """The new images did not prove themselves; the message says why and what serves now."""


@dataclass(frozen=True)
class Deployment:
    """One attempt to have a stage run other images."""

    settings: DeploymentSettings
    docker: Docker
    stack: Stack
    journal: Journal
    face: PublicFace
    ask: Callable[[Container], None]
    report: Callable[[str], None]

    def run(self) -> Pins:
        """Return what the stage runs now; raise Problem if nothing was touched, RolledBack if it was."""
        candidate = self.journal.candidate
        with self.journal.only_deployment(self.settings.patience_s):
            deployed = self.journal.deployed(IMAGES)
            pins = self._settle(deployed)
            self.journal.write(candidate, pins)
            images.require_takers(self.stack.services(candidate), pins)
            change = self._change()
            first = not change.containers.running()
            self.journal.record("started", pins, revision=self.settings.revision, by=self.settings.by)
            try:
                self._apply(change, first=first)
            except (CannotStart, KeyboardInterrupt) as error:
                self._look(change.changed or self._services())
                reason = str(error) or "It was interrupted."
                known = deployed or not first
                back = partial(self._put_back, change, deployed) if known else self._stop
                raise RolledBack(back(pins, reason)) from error
            candidate.replace(self.journal.env_file)
            self.journal.record("succeeded", pins, revision=self.settings.revision, by=self.settings.by)
            self.report(f"{self.settings.stage} runs revision {self.settings.revision}.")
            change.keep()
            return pins

    def _change(self) -> Change:
        containers = Containers(self.docker, self.stack.project(self.journal.candidate))
        return Change(self.stack, containers, self.ask, self.report, self.settings.wait_s)

    def _apply(self, change: Change, *, first: bool) -> None:
        self.report(f"Starting {self.settings.stage}: each container has {self.settings.wait_s} s")
        if first:
            self.stack.up(self.journal.candidate, self.settings.wait_s)
        else:
            change.to(self.journal.candidate)
        self._ask_face()

    def _ask_face(self) -> None:
        self.report(f"Asking {self.face.url}")
        self.face.check(self.settings.smoke_s)

    def _settle(self, deployed: Pins) -> dict[str, str]:
        settings = self.settings
        if not deployed and settings.images.keys() != set(IMAGES):
            raise Problem(f"ONLY some images cannot be the first that {settings.stage} gets: leave it out.")
        asked = settings.signed_by
        signatures = (
            Signatures(asked, settings.issuer, settings.signed_branch, self.docker.start) if asked else None
        )
        source = Registry(self.docker, signatures) if settings.pull else Local(self.docker)
        if settings.pull and signatures is None:
            self.report("SIGNED_BY is not set: nobody is asked to vouch for these images.")
        pins = dict(deployed)
        for image, reference in settings.images.items():
            pins[image] = source.pin(reference)
            self.report(f"{image}: {pins[image]}")
        return pins

    def _put_back(self, change: Change, before: Pins, failed: Pins, reason: str) -> str:
        """Have the stage run what it ran and return a sentence that says why and how that went."""
        stage = self.settings.stage
        self.report(f"That failed; {stage} goes back to what it ran before.")
        try:
            change.undo()
            if before:
                # What ran may have been left by a deployment that was killed: on record is what was well.
                change.to(self.journal.env_file)
                change.keep()
            self._ask_face()
        except CannotStart as error:
            self.journal.record("rollback-failed", before, reason=f"{reason}\n{error}")
            return (
                f"{stage} is DOWN: the new images failed, and those from before as well.\n{reason}\n{error}"
            )
        self.journal.record("rolled-back", before, failed=dict(failed), reason=reason)
        return f"{stage} was rolled back, and what it ran before is healthy again.\n{reason}"

    def _stop(self, failed: Pins, reason: str) -> str:
        """Stop a first deployment and return a sentence that says why."""
        stage = self.settings.stage
        self.journal.record("failed", failed, reason=reason)
        try:
            self.stack.stop(self.journal.candidate, self._services())
        except CannotStart as error:
            self.report(f"It cannot be stopped: {error}")
        return f"The first deployment to {stage} failed and was stopped: nothing to go back to.\n{reason}"

    def _look(self, services: Sequence[str]) -> None:
        """Show what services wrote, before they are replaced."""
        try:
            self.report(self.stack.logs(self.journal.candidate, services, LOG_LINES))
        except CannotStart as error:
            self.report(f"Their logs cannot be read: {error}")

    def _services(self) -> list[str]:
        services = self.stack.services(self.journal.candidate).values()
        return sorted(service.name for service in services if not service.job)


def deployment(layout: Layout, report: Callable[[str], None]) -> Deployment:
    """Return the deployment that the layout's environment asks for; raise CannotStart if it cannot begin."""
    settings = DeploymentSettings.from_environment(layout)
    platform = Compose(layout, PLATFORM, platform_tag(layout))
    make_secrets(layout)
    edge = platform.containers("caddy")
    if not edge:
        raise Problem(f"The platform's edge does not run: make stack-up STAGE={settings.stage} first.")
    docker = Docker(compose=command(COMPOSE), start=starting(compose_environment(layout)))
    return Deployment(
        settings=settings,
        docker=docker,
        stack=Stack(docker, project_arguments(layout, settings.stage)),
        journal=Journal(layout.deployments, settings.stage),
        face=PublicFace(layout.url(settings.stage), lambda: door_of(layout, platform)),
        ask=Asking(docker, docker.run("inspect", "--format", "{{.Image}}", edge[0]).strip()),
        report=report,
    )


def main() -> int:
    """Deploy as the environment says; return 1, with a sentence, when the stage does not run that."""
    for number in INTERRUPTIONS:
        signal.signal(number, _interrupt_once)
    try:
        deployment(Layout.from_environment(), _say).run()
    except CannotStart as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _interrupt_once(*_: object) -> None:
    """Have a deployment go back, which nothing interrupts: who cancels a job may well do so twice."""
    for number in INTERRUPTIONS:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def _say(sentence: str) -> None:
    with suppress(OSError):  # whoever listened may be gone; the deployment goes to its end
        sys.stdout.write(f"{sentence}\n")
        sys.stdout.flush()  # a deployment is watched while it goes on


if __name__ == "__main__":
    sys.exit(main())

"""`make deploy STAGE=staging`: put images in place, prove that they work, or put back what was there.

1. Settle for each image which one exactly is meant; check who signed it; fetch it.
2. Start it, wait until every container is healthy, and ask the stage by its public face.
3. All well: that is now what the stage runs, on record. Anything else: start what ran before, and end with
   an error.

A deployment that is killed at any moment leaves the stage's environment file naming the last images that were
well: the same command again, or starting the stage, puts things right.
"""

import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from compose_stack.delivery import images
from compose_stack.delivery.docker import Docker, Stack, starting
from compose_stack.delivery.images import IMAGES, Local, Pins, Registry
from compose_stack.delivery.journal import Journal
from compose_stack.delivery.problems import Problem
from compose_stack.delivery.settings import DeploymentSettings
from compose_stack.delivery.signatures import Signatures
from compose_stack.delivery.smoke import PublicFace
from compose_stack.delivery.stack import compose_arguments, compose_environment
from compose_stack.settings import CannotStart
from compose_stack.stack.compose import Compose
from compose_stack.stack.door import door_of
from compose_stack.stack.layout import PLATFORM, Layout
from compose_stack.stack.secrets import make_secrets
from compose_stack.stack.tools import COMPOSE, command

LOG_LINES = 20


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
    report: Callable[[str], None]

    def run(self) -> Pins:
        """Return what the stage runs now; raise Problem if nothing was touched, RolledBack if it was."""
        with self.journal.only_deployment(self.settings.patience_s):
            deployed = self.journal.deployed(IMAGES)
            pins = self._settle(deployed)
            self.journal.write(self.journal.candidate, pins)
            before = images.running(self.docker, self.stack, self.journal.candidate, pins)
            before = deployed or before
            self.journal.record("started", pins, revision=self.settings.revision, by=self.settings.by)
            try:
                self._prove(self.journal.candidate)
            except (CannotStart, KeyboardInterrupt) as error:
                self._look(pins)
                raise RolledBack(self._put_back(before, pins, str(error) or "It was interrupted.")) from error
            self.journal.candidate.replace(self.journal.env_file)
            self.journal.record("succeeded", pins, revision=self.settings.revision, by=self.settings.by)
            self.report(f"{self.settings.stage} runs revision {self.settings.revision}.")
            return pins

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

    def _prove(self, env_file: Path) -> None:
        self.report(f"Starting {self.settings.stage}, for at most {self.settings.wait_s} s")
        self.stack.up(env_file, self.settings.wait_s)
        self.report(f"Asking {self.face.url}")
        self.face.check(self.settings.smoke_s)

    def _put_back(self, before: Pins, failed: Pins, reason: str) -> str:
        """Start what ran before and return a sentence that says why and how that went."""
        stage = self.settings.stage
        if not before:
            self.journal.record("failed", failed, reason=reason)
            self._stop(failed)
            return f"The first deployment to {stage} failed and was stopped: nothing to go back to.\n{reason}"
        self.report(f"That failed; {stage} goes back to what it ran before.")
        self.journal.write(self.journal.env_file, before)
        try:
            self._prove(self.journal.env_file)
        except CannotStart as error:
            self.journal.record("rollback-failed", before, reason=f"{reason}\n{error}")
            return (
                f"{stage} is DOWN: the new images failed, and those from before as well.\n{reason}\n{error}"
            )
        self.journal.record("rolled-back", before, failed=dict(failed), reason=reason)
        return f"{stage} was rolled back, and what it ran before is healthy again.\n{reason}"

    def _look(self, pins: Pins) -> None:
        """Show what the failing services wrote, before they are replaced."""
        try:
            self.report(self.stack.logs(self.journal.candidate, self._services(pins), LOG_LINES))
        except CannotStart as error:
            self.report(f"Their logs cannot be read: {error}")

    def _stop(self, pins: Pins) -> None:
        try:
            self.stack.stop(self.journal.candidate, self._services(pins))
        except CannotStart as error:
            self.report(f"It cannot be stopped: {error}")

    def _services(self, pins: Pins) -> list[str]:
        return list(self.stack.services_of(self.journal.candidate, set(pins.values())))


def main() -> int:
    """Deploy as the environment says; return 1, with a sentence, when the stage does not run that."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a cancelled job goes back as Ctrl-C does
    layout = Layout.from_environment()
    try:
        settings = DeploymentSettings.from_environment(layout)
        if not layout.running(PLATFORM).exists():
            raise Problem(f"The platform does not run here yet: make stack-up STAGE={settings.stage} first.")
        make_secrets(layout)
        docker = Docker(compose=command(COMPOSE), start=starting(compose_environment(layout)))
        stack = Stack(docker, compose_arguments(layout, settings.stage))
        platform = Compose(layout, PLATFORM, layout.tag(PLATFORM, keep=True))
        face = PublicFace(layout.url(settings.stage), lambda: door_of(layout, platform))
        journal = Journal(layout.deployments, settings.stage)
        Deployment(settings, docker, stack, journal, face, _say).run()
    except CannotStart as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _say(sentence: str) -> None:
    sys.stdout.write(f"{sentence}\n")
    sys.stdout.flush()  # a deployment is watched while it goes on


if __name__ == "__main__":
    sys.exit(main())

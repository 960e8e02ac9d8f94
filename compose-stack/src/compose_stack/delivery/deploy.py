"""`make deploy STAGE=staging`: zero-downtime deployment of new images, with automatic rollback.

1. Resolve each image to one digest or id, verify its signature, and pull it.
2. Start the new containers beside the old ones, service by service, and probe each before it gets any
   traffic (blue-green, rollout.py); then test the stage through its public face (smoke test).
3. If everything succeeds, record these images as what the stage runs. If anything fails, roll back to the
   containers that ran before, and exit with an error.

A deployment that is killed halfway leaves the stage's environment file naming the last good images: running
the command again, or starting the stage, repairs it.
"""

import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from compose_stack.delivery import images
from compose_stack.delivery.containers import Container, Containers
from compose_stack.delivery.docker import Docker, Stack, starting
from compose_stack.delivery.images import IMAGES, Local, Pins, Registry
from compose_stack.delivery.journal import Journal
from compose_stack.delivery.probes import Prober
from compose_stack.delivery.problems import Problem
from compose_stack.delivery.rollout import Rollout
from compose_stack.delivery.settings import DeploymentSettings
from compose_stack.delivery.signatures import Signatures
from compose_stack.delivery.smoke import PublicFace
from compose_stack.delivery.stack import compose_environment, platform_tag
from compose_stack.settings import CannotStart
from compose_stack.stack.compose import Compose, project_arguments
from compose_stack.stack.edge import edge_transport
from compose_stack.stack.layout import PLATFORM, Layout
from compose_stack.stack.secrets import make_secrets
from compose_stack.stack.tools import COMPOSE, command

LOG_LINES = 20
INTERRUPTIONS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class RolledBack(Problem):
    """The new images failed; the message says why and what the stage serves now."""


@dataclass(frozen=True)
class Deployment:
    """One attempt to have a stage run other images."""

    settings: DeploymentSettings
    docker: Docker
    stack: Stack
    journal: Journal
    face: PublicFace
    probe: Callable[[Container], None]
    report: Callable[[str], None]

    def run(self) -> Pins:
        """Return what the stage runs now; raise Problem if nothing was changed, RolledBack if it was."""
        candidate = self.journal.candidate
        with self.journal.only_deployment(self.settings.patience_s):
            deployed = self.journal.deployed(IMAGES)
            pins = self._resolve(deployed)
            self.journal.write(candidate, pins)
            images.require_users(self.stack.services(candidate), pins)
            rollout = self._rollout()
            first = not rollout.containers.running()
            self.journal.record("started", pins, revision=self.settings.revision, by=self.settings.by)
            try:
                self._apply(rollout, first=first)
            except (CannotStart, KeyboardInterrupt) as error:
                self._report_logs(rollout.changed or self._services())
                reason = str(error) or "It was interrupted."
                known = deployed or not first
                undo = partial(self._roll_back, rollout, deployed) if known else self._stop
                raise RolledBack(undo(pins, reason)) from error
            candidate.replace(self.journal.env_file)
            self.journal.record("succeeded", pins, revision=self.settings.revision, by=self.settings.by)
            self.report(f"{self.settings.stage} now runs revision {self.settings.revision}.")
            rollout.complete()
            return pins

    def _rollout(self) -> Rollout:
        containers = Containers(self.docker, self.stack.project(self.journal.candidate))
        return Rollout(self.stack, containers, self.probe, self.report, self.settings.wait_s)

    def _apply(self, rollout: Rollout, *, first: bool) -> None:
        self.report(
            f"Deploying to {self.settings.stage}; each container has {self.settings.wait_s} s to get healthy"
        )
        if first:
            self.stack.up(self.journal.candidate, self.settings.wait_s)
        else:
            rollout.to(self.journal.candidate)
        self._smoke_test()

    def _smoke_test(self) -> None:
        self.report(f"Testing {self.face.url}")
        self.face.check(self.settings.smoke_s)

    def _resolve(self, deployed: Pins) -> dict[str, str]:
        settings = self.settings
        if not deployed and settings.images.keys() != set(IMAGES):
            raise Problem(f"The first deployment to {settings.stage} needs every image: leave ONLY out.")
        identity = settings.signed_by
        signatures = (
            Signatures(identity, settings.issuer, settings.signed_branch, self.docker.start)
            if identity
            else None
        )
        source = Registry(self.docker, signatures) if settings.pull else Local(self.docker)
        if settings.pull and signatures is None:
            self.report("SIGNED_BY is not set: the signatures of these images are not verified.")
        pins = dict(deployed)
        for image, reference in settings.images.items():
            pins[image] = source.pin(reference)
            self.report(f"{image}: {pins[image]}")
        return pins

    def _roll_back(self, rollout: Rollout, before: Pins, failed: Pins, reason: str) -> str:
        """Have the stage run what it ran before; return a sentence that says why, and whether it worked."""
        stage = self.settings.stage
        self.report(f"The deployment failed: rolling {stage} back to what it ran before.")
        try:
            rollout.roll_back()
            if before:
                # What ran may be the remains of a deployment that was killed: the record names the good ones.
                rollout.to(self.journal.env_file)
                rollout.complete()
            self._smoke_test()
        except CannotStart as error:
            self.journal.record("rollback-failed", before, reason=f"{reason}\n{error}")
            return f"{stage} is DOWN: the new images failed, and so did the rollback.\n{reason}\n{error}"
        self.journal.record("rolled-back", before, failed=dict(failed), reason=reason)
        return f"{stage} was rolled back, and what it ran before is healthy again.\n{reason}"

    def _stop(self, failed: Pins, reason: str) -> str:
        """Stop a first deployment; return a sentence that says why."""
        stage = self.settings.stage
        self.journal.record("failed", failed, reason=reason)
        try:
            self.stack.stop(self.journal.candidate, self._services())
        except CannotStart as error:
            self.report(f"The stage could not be stopped: {error}")
        return (
            f"The first deployment to {stage} failed and was stopped: there is nothing to roll back to.\n"
            f"{reason}"
        )

    def _report_logs(self, services: Sequence[str]) -> None:
        """Show the last log lines of services before they are replaced."""
        try:
            self.report(self.stack.logs(self.journal.candidate, services, LOG_LINES))
        except CannotStart as error:
            self.report(f"The logs of the new containers could not be read: {error}")

    def _services(self) -> list[str]:
        services = self.stack.services(self.journal.candidate).values()
        return sorted(service.name for service in services if not service.job)


def deployment(layout: Layout, report: Callable[[str], None]) -> Deployment:
    """Return the deployment that the environment asks for; raise CannotStart if it cannot begin."""
    settings = DeploymentSettings.from_environment(layout)
    platform = Compose(layout, PLATFORM, platform_tag(layout))
    make_secrets(layout)
    edge = platform.containers("caddy")
    if not edge:
        raise Problem(
            f"The platform's edge is not running: run `make stack-up STAGE={settings.stage}` first."
        )
    docker = Docker(compose=command(COMPOSE), start=starting(compose_environment(layout)))
    return Deployment(
        settings=settings,
        docker=docker,
        stack=Stack(docker, project_arguments(layout, settings.stage)),
        journal=Journal(layout.deployments, settings.stage),
        face=PublicFace(layout.url(settings.stage), lambda: edge_transport(layout, platform)),
        probe=Prober(docker, docker.run("inspect", "--format", "{{.Image}}", edge[0]).strip()),
        report=report,
    )


def main() -> int:
    """Deploy as the environment says; print why and return 1 if the stage does not run that afterwards."""
    for number in INTERRUPTIONS:
        signal.signal(number, _interrupt_once)
    try:
        deployment(Layout.from_environment(), _print).run()
    except CannotStart as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _interrupt_once(*_: object) -> None:
    """Interrupt the deployment, but not its rollback: a job may well be cancelled twice."""
    for number in INTERRUPTIONS:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def _print(sentence: str) -> None:
    with suppress(OSError):  # the reader of the output may be gone; the deployment still completes
        sys.stdout.write(f"{sentence}\n")
        sys.stdout.flush()  # people watch a deployment while it runs


if __name__ == "__main__":
    sys.exit(main())

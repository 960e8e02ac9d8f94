"""The docker command line, as far as a deployment needs it."""

import json
import os
import re
import subprocess
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path

from compose_stack.delivery.problems import CommandFailed, Problem

PULLED = re.compile(r"^Digest: (sha256:[0-9a-f]{64})$", re.MULTILINE)


Start = Callable[[Sequence[str]], subprocess.CompletedProcess[str]]


def starting(environment: Mapping[str, str] = os.environ) -> Start:
    """Return how programs are run in an environment; a Problem says that one is not installed."""

    def start(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
        try:
            return subprocess.run(
                command,
                env=dict(environment),
                check=False,
                capture_output=True,
                text=True,
                stdin=subprocess.DEVNULL,
            )
        except FileNotFoundError as error:
            raise Problem(f"{command[0]} is not installed here, or not on the PATH.") from error

    return start


class Docker:
    """Run docker, and say in sentences what went wrong."""

    def __init__(
        self,
        program: Sequence[str] = ("docker",),
        compose: Sequence[str] = ("docker", "compose"),
        start: Start | None = None,
    ) -> None:
        """Use `program`, and Compose where `compose` says it is; `start` runs them."""
        self._program = tuple(program)
        self._compose = tuple(compose)
        self.start = start or starting()

    def run(self, *arguments: str) -> str:
        """Return what a docker command printed; raise CommandFailed when it ends with an error."""
        return self._run((*self._program, *arguments), ("docker", *arguments))

    def compose(self, project: Sequence[str], *arguments: str) -> str:
        """Return what a command of Compose printed of a project; raise CommandFailed when it fails.

        `project` are the options that say which one; a failure is told without them.
        """
        return self._run((*self._compose, *project, *arguments), ("docker compose", *arguments))

    def _run(self, command: Sequence[str], told: Sequence[str]) -> str:
        done = self.start(command)
        if done.returncode != 0:
            raise CommandFailed(told, done.returncode, done.stderr or done.stdout)
        return done.stdout

    def pull(self, reference: str) -> str:
        """Pull an image and return its digest, `sha256:…`."""
        found = PULLED.search(self.run("pull", reference))
        if found is None:
            raise Problem(f"docker pulled {reference} and did not say its digest.")
        return found.group(1)

    def image_id(self, reference: str) -> str | None:
        """Return the id, `sha256:…`, of an image that is on this machine; None when it is not."""
        try:
            return self.run("image", "inspect", "--format", "{{.Id}}", reference).strip()
        except CommandFailed as error:
            if "no such image" in error.said.lower():
                return None
            raise

    def tag(self, image: str, name: str) -> None:
        """Give an image of this machine one more name."""
        self.run("tag", image, name)

    def image_of(self, container: str) -> str:
        """Return the id of the image that a container runs."""
        return self.run("inspect", "--format", "{{.Image}}", container).strip()


class Stack:
    """One stage's containers, by Docker Compose."""

    def __init__(self, docker: Docker, arguments: Sequence[str]) -> None:
        """Call Compose with `arguments`: project, files and environment files of the stage."""
        self._docker = docker
        self.arguments = tuple(arguments)

    def services_of(self, env_file: Path, images: Collection[str]) -> dict[str, str]:
        """Return which services run one of `images`, and which one."""
        services = json.loads(self._compose(env_file, "config", "--format", "json"))["services"]
        return {
            name: service["image"] for name, service in services.items() if service.get("image") in images
        }

    def up(self, env_file: Path, wait_s: int) -> None:
        """Start what `env_file` names and wait until all of it is healthy; raise CommandFailed otherwise."""
        self._compose(env_file, "up", "--detach", "--no-build", "--wait", "--wait-timeout", str(wait_s))

    def stop(self, env_file: Path, services: Collection[str]) -> None:
        """Stop services; their containers and logs stay to be looked at."""
        self._compose(env_file, "stop", *services)

    def logs(self, env_file: Path, services: Collection[str], lines: int) -> str:
        """Return the last lines that services wrote."""
        return self._compose(env_file, "logs", "--no-color", "--tail", str(lines), *services)

    def running_image(self, env_file: Path, service: str) -> str | None:
        """Return the id of the image that a service runs now; None when it does not run."""
        containers = self._compose(env_file, "ps", "--quiet", service).split()
        return self._docker.image_of(containers[0]) if containers else None

    def _compose(self, env_file: Path, *command: str) -> str:
        return self._docker.compose((*self.arguments, "--env-file", str(env_file)), *command)

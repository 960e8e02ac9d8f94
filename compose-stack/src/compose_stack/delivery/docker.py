"""The docker command line, as far as a deployment needs it."""

import json
import os
import re
import subprocess
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from compose_stack.delivery.problems import CommandFailed, Problem

CLEAR_LINE = "\x1b[2K"
"""Compose begins lines of logs with it, also for those who asked for no colours."""
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


@dataclass(frozen=True)
class Service:
    """What Compose makes of one service of a stage."""

    name: str
    image: str
    job: bool
    """Whether it does something once, and ends."""
    publishes: bool
    """Whether it takes ports of the machine, which two containers cannot have."""
    networks: frozenset[str]


class Stack:
    """One stage, by Docker Compose."""

    def __init__(self, docker: Docker, arguments: Sequence[str]) -> None:
        """Call Compose with `arguments`: project, files and environment files of the stage."""
        self._docker = docker
        self.arguments = tuple(arguments)

    def project(self, env_file: Path) -> str:
        """Return the name of the project, which every container of it is labelled with."""
        return str(self._config(env_file)["name"])

    def services(self, env_file: Path) -> dict[str, Service]:
        """Return what `env_file` makes of each service."""
        config = self._config(env_file)
        named = {key: network["name"] for key, network in config.get("networks", {}).items()}
        return {
            name: Service(
                name=name,
                image=service.get("image", ""),
                job=service.get("restart") == "no",
                publishes=bool(service.get("ports")),
                networks=frozenset(named[key] for key in service.get("networks") or ()),
            )
            for name, service in config["services"].items()
        }

    def hashes(self, env_file: Path) -> dict[str, str]:
        """Return Compose's hash of what a container of each service would be made from."""
        lines = self._compose(env_file, "config", "--hash", "*").splitlines()
        return {name: value for name, _, value in (line.partition(" ") for line in lines)}

    def up(self, env_file: Path, wait_s: int) -> None:
        """Start what `env_file` names and wait until all of it is healthy; raise CommandFailed otherwise."""
        self._compose(env_file, "up", "--detach", "--no-build", "--wait", "--wait-timeout", str(wait_s))

    def run_job(self, env_file: Path, service: str) -> None:
        """Have a service that does something once do it; raise CommandFailed if it fails."""
        self._compose(env_file, "up", "--no-build", "--no-deps", "--exit-code-from", service, service)

    def create(self, env_file: Path, service: str, count: int) -> None:
        """Have so many containers of a service, started or not; none that is there is touched."""
        scale = f"{service}={count}"
        self._compose(env_file, "create", "--no-build", "--no-recreate", "--scale", scale, service)

    def stop(self, env_file: Path, services: Collection[str]) -> None:
        """Stop services; their containers and logs stay to be looked at."""
        self._compose(env_file, "stop", *services)

    def logs(self, env_file: Path, services: Collection[str], lines: int) -> str:
        """Return the last lines that services wrote."""
        said = self._compose(env_file, "logs", "--no-color", "--tail", str(lines), *services)
        return said.replace(CLEAR_LINE, "")

    def _config(self, env_file: Path) -> Any:
        return json.loads(self._compose(env_file, "config", "--format", "json"))

    def _compose(self, env_file: Path, *command: str) -> str:
        return self._docker.compose((*self.arguments, "--env-file", str(env_file)), *command)

"""The Docker command line, as far as a deployment needs it."""

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
"""Compose starts log lines with it, even when colours are off."""
PULLED = re.compile(r"^Digest: (sha256:[0-9a-f]{64})$", re.MULTILINE)


Start = Callable[[Sequence[str]], subprocess.CompletedProcess[str]]


def starting(environment: Mapping[str, str] = os.environ) -> Start:
    """Return a function that runs programs in an environment; it raises Problem for one that is missing."""

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
    """Run Docker, and turn its failures into sentences."""

    def __init__(
        self,
        program: Sequence[str] = ("docker",),
        compose: Sequence[str] = ("docker", "compose"),
        start: Start | None = None,
    ) -> None:
        """Call Docker as `program` and Compose as `compose`; `start` runs them."""
        self._program = tuple(program)
        self._compose = tuple(compose)
        self.start = start or starting()

    def run(self, *arguments: str) -> str:
        """Return the output of a Docker command; raise CommandFailed if it fails."""
        return self._run((*self._program, *arguments), ("docker", *arguments))

    def compose(self, project: Sequence[str], *arguments: str) -> str:
        """Return the output of a Compose command on a project; raise CommandFailed if it fails.

        `project` holds the options that select the project; error messages leave them out.
        """
        return self._run((*self._compose, *project, *arguments), ("docker compose", *arguments))

    def _run(self, command: Sequence[str], shown: Sequence[str]) -> str:
        done = self.start(command)
        if done.returncode != 0:
            raise CommandFailed(shown, done.returncode, done.stderr or done.stdout)
        return done.stdout

    def pull(self, reference: str) -> str:
        """Pull an image and return its digest, `sha256:…`."""
        found = PULLED.search(self.run("pull", reference))
        if found is None:
            raise Problem(f"docker pulled {reference} but did not report its digest.")
        return found.group(1)

    def image_id(self, reference: str) -> str | None:
        """Return the id, `sha256:…`, of an image on this machine; None if it is not here."""
        try:
            return self.run("image", "inspect", "--format", "{{.Id}}", reference).strip()
        except CommandFailed as error:
            if "no such image" in error.output.lower():
                return None
            raise

    def tag(self, image: str, name: str) -> None:
        """Give an image on this machine another name."""
        self.run("tag", image, name)


@dataclass(frozen=True)
class Service:
    """One service of a stage, as Compose resolves it."""

    name: str
    image: str
    job: bool
    """Whether it runs once and ends."""
    publishes: bool
    """Whether it publishes ports of the machine, which two containers cannot share."""
    networks: frozenset[str]


class Stack:
    """One stage, as a Docker Compose project."""

    def __init__(self, docker: Docker, arguments: Sequence[str]) -> None:
        """Call Compose with `arguments`: project, files and environment files of the stage."""
        self._docker = docker
        self.arguments = tuple(arguments)

    def project(self, env_file: Path) -> str:
        """Return the name of the project; every container carries it as a label."""
        return str(self._config(env_file)["name"])

    def services(self, env_file: Path) -> dict[str, Service]:
        """Return each service as `env_file` defines it."""
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
        """Return Compose's hash of the configuration of each service."""
        lines = self._compose(env_file, "config", "--hash", "*").splitlines()
        return {name: value for name, _, value in (line.partition(" ") for line in lines)}

    def up(self, env_file: Path, wait_s: int) -> None:
        """Start what `env_file` names; raise CommandFailed unless all of it gets healthy within `wait_s`."""
        self._compose(env_file, "up", "--detach", "--no-build", "--wait", "--wait-timeout", str(wait_s))

    def run_job(self, env_file: Path, service: str) -> None:
        """Run a one-off service; raise CommandFailed if it fails."""
        self._compose(env_file, "up", "--no-build", "--no-deps", "--exit-code-from", service, service)

    def create(self, env_file: Path, service: str, count: int) -> None:
        """Create containers of a service until there are `count`, leaving existing ones alone."""
        scale = f"{service}={count}"
        self._compose(env_file, "create", "--no-build", "--no-recreate", "--scale", scale, service)

    def stop(self, env_file: Path, services: Collection[str]) -> None:
        """Stop services; their containers and logs stay for inspection."""
        self._compose(env_file, "stop", *services)

    def logs(self, env_file: Path, services: Collection[str], lines: int) -> str:
        """Return the last lines of the services' logs."""
        text = self._compose(env_file, "logs", "--no-color", "--tail", str(lines), *services)
        return text.replace(CLEAR_LINE, "")

    def _config(self, env_file: Path) -> Any:
        return json.loads(self._compose(env_file, "config", "--format", "json"))

    def _compose(self, env_file: Path, *command: str) -> str:
        return self._docker.compose((*self.arguments, "--env-file", str(env_file)), *command)

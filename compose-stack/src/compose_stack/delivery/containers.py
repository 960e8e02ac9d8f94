"""Containers of a stage as the engine tells of them, and what a deployment does with each of them."""

import json
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, Self

from compose_stack.delivery.docker import Docker
from compose_stack.delivery.problems import Problem

POLL_S = 0.5
RESTARTS = 2
"""So often may a container that is being started end and be started again: a third time it is broken."""
LABEL = "com.docker.compose"


@dataclass(frozen=True)
class Container:
    """One container of a service."""

    id: str
    name: str
    service: str
    image: str
    config: str
    """Compose's hash of what the container was made from: another one is another container to make."""
    state: str
    """As Docker has it: `created`, `running`, `restarting`, `exited` and some more."""
    health: str | None
    """`starting`, `healthy` or `unhealthy`; None where nobody looks."""
    restarts: int
    ended_with: int
    networks: dict[str, tuple[str, ...]]
    """The names that it is found by, for each network it is on."""

    @classmethod
    def from_inspection(cls, said: dict[str, Any]) -> Self:
        """Read what `docker inspect` says of it."""
        labels, state = said["Config"]["Labels"], said["State"]
        return cls(
            id=said["Id"],
            name=said["Name"].removeprefix("/"),
            service=labels[f"{LABEL}.service"],
            image=said["Image"],
            config=labels.get(f"{LABEL}.config-hash", ""),
            state=state["Status"],
            health=(state.get("Health") or {}).get("Status"),
            restarts=said["RestartCount"],
            ended_with=state["ExitCode"],
            networks={
                name: tuple(network.get("Aliases") or ())
                for name, network in said["NetworkSettings"]["Networks"].items()
            },
        )

    @property
    def runs(self) -> bool:
        """Whether it does work, or would if it were well."""
        return self.state in ("running", "restarting", "paused")

    @property
    def well(self) -> bool:
        """Whether it runs and nobody who looks objects."""
        return self.state == "running" and self.health in (None, "healthy")

    @property
    def broken(self) -> str | None:
        """What is wrong for good with a container that was started, as the end of a sentence."""
        if self.state in ("exited", "dead"):
            return f"ended with exit code {self.ended_with}"
        if self.restarts > RESTARTS:
            return f"ended {self.restarts} times, at last with exit code {self.ended_with}"
        return "is unhealthy" if self.health == "unhealthy" else None

    def found_on(self) -> dict[str, tuple[str, ...]]:
        """Return the networks on which others find it by a name that it shares with its replicas."""
        own = {self.name, self.service, self.id[:12]}
        return {network: names for network, names in self.networks.items() if set(names) - own}


class Containers:
    """Every container of one Compose project."""

    def __init__(self, docker: Docker, project: str) -> None:
        """Look at the project of this name."""
        self._docker = docker
        self._project = project

    def all(self) -> list[Container]:
        """Return the containers of services, those that do not run among them; none of `compose run`."""
        labels = (f"{LABEL}.project={self._project}", f"{LABEL}.oneoff=False")
        filters = [part for label in labels for part in ("--filter", f"label={label}")]
        return self.look(self._docker.run("ps", "--all", "--quiet", "--no-trunc", *filters).split())

    def running(self) -> list[Container]:
        """Return those that do work."""
        return [one for one in self.all() if one.runs]

    def look(self, ids: Collection[str]) -> list[Container]:
        """Return these containers as they are now."""
        if not ids:
            return []
        return [
            Container.from_inspection(said) for said in json.loads(self._docker.run("inspect", *sorted(ids)))
        ]

    def hide(self, container: Container) -> None:
        """Take a container, which was not started yet, off the networks where others would find it."""
        for network in container.found_on():
            self._docker.run("network", "disconnect", network, container.id)

    def show(self, container: Container) -> None:
        """Put a container that was hidden back on its networks, by its names."""
        for network, names in container.found_on().items():
            aliases = [part for name in names for part in ("--alias", name)]
            self._docker.run("network", "connect", *aliases, network, container.id)

    def start(self, containers: Sequence[Container]) -> None:
        """Start containers."""
        if containers:
            self._docker.run("start", *(one.id for one in containers))

    def stop(self, containers: Sequence[Container]) -> None:
        """Let containers finish what they do, for as long as their stack's file gives them, and end."""
        if containers:
            self._docker.run("stop", *(one.id for one in containers))

    def remove(self, containers: Sequence[Container]) -> None:
        """Remove containers, also such as run."""
        if containers:
            self._docker.run("rm", "--force", "--volumes", *(one.id for one in containers))

    def wait_until_well(
        self,
        containers: Sequence[Container],
        patience_s: float,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Return once all are well; raise Problem as soon as one is broken, or after so long."""
        deadline = time.monotonic() + patience_s
        while True:
            now = self.look([one.id for one in containers])
            for one in now:
                if one.broken:
                    raise Problem(f"Container {one.name} {one.broken}.")
            waiting = [one for one in now if not one.well]
            if not waiting:
                return
            if time.monotonic() >= deadline:
                one = waiting[0]
                raise Problem(f"Container {one.name} is {one.health or one.state} after {patience_s:g} s.")
            sleep(POLL_S)

"""Containers of a stage as the engine reports them, and what a deployment does with each."""

import json
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, Self

from compose_stack.delivery.docker import Docker
from compose_stack.delivery.problems import Problem

POLL_S = 0.5
RESTARTS = 2
"""How often a starting container may end and be restarted; after that it counts as broken."""
LABEL = "com.docker.compose"


@dataclass(frozen=True)
class Container:
    """One container of a service."""

    id: str
    name: str
    service: str
    image: str
    config: str
    """Compose's hash of the configuration it was created from: a different hash needs a new container."""
    state: str
    """As Docker names it: `created`, `running`, `restarting`, `exited` and others."""
    health: str | None
    """`starting`, `healthy` or `unhealthy`; None without a health check."""
    restarts: int
    exit_code: int
    networks: dict[str, tuple[str, ...]]
    """Its aliases on each network that it is on."""

    @classmethod
    def from_inspection(cls, inspection: dict[str, Any]) -> Self:
        """Read the output of `docker inspect`."""
        labels, state = inspection["Config"]["Labels"], inspection["State"]
        return cls(
            id=inspection["Id"],
            name=inspection["Name"].removeprefix("/"),
            service=labels[f"{LABEL}.service"],
            image=inspection["Image"],
            config=labels.get(f"{LABEL}.config-hash", ""),
            state=state["Status"],
            health=(state.get("Health") or {}).get("Status"),
            restarts=inspection["RestartCount"],
            exit_code=state["ExitCode"],
            networks={
                name: tuple(network.get("Aliases") or ())
                for name, network in inspection["NetworkSettings"]["Networks"].items()
            },
        )

    @property
    def runs(self) -> bool:
        """Whether it is meant to be working."""
        return self.state in ("running", "restarting", "paused")

    @property
    def healthy(self) -> bool:
        """Whether it runs and its health check, if it has one, passes."""
        return self.state == "running" and self.health in (None, "healthy")

    @property
    def broken(self) -> str | None:
        """Why a container that was started will not recover, as the end of a sentence."""
        if self.state in ("exited", "dead"):
            return f"ended with exit code {self.exit_code}"
        if self.restarts > RESTARTS:
            return f"ended {self.restarts} times, most recently with exit code {self.exit_code}"
        return "is unhealthy" if self.health == "unhealthy" else None

    def found_on(self) -> dict[str, tuple[str, ...]]:
        """Return the networks on which others find it under a name that its replicas share."""
        own = {self.name, self.service, self.id[:12]}
        return {network: names for network, names in self.networks.items() if set(names) - own}


class Containers:
    """Every container of one Compose project."""

    def __init__(self, docker: Docker, project: str) -> None:
        """Manage the containers of the project with this name."""
        self._docker = docker
        self._project = project

    def all(self) -> list[Container]:
        """Return the containers of all services, including stopped ones; none from `compose run`."""
        labels = (f"{LABEL}.project={self._project}", f"{LABEL}.oneoff=False")
        filters = [part for label in labels for part in ("--filter", f"label={label}")]
        return self.inspect(self._docker.run("ps", "--all", "--quiet", "--no-trunc", *filters).split())

    def running(self) -> list[Container]:
        """Return those that run."""
        return [one for one in self.all() if one.runs]

    def inspect(self, ids: Collection[str]) -> list[Container]:
        """Return the current state of these containers."""
        if not ids:
            return []
        return [
            Container.from_inspection(one) for one in json.loads(self._docker.run("inspect", *sorted(ids)))
        ]

    def hide(self, container: Container) -> None:
        """Take a container that has not started yet off the networks where others would find it."""
        for network in container.found_on():
            self._docker.run("network", "disconnect", network, container.id)

    def show(self, container: Container) -> None:
        """Put a hidden container back on its networks, under its names."""
        for network, names in container.found_on().items():
            aliases = [part for name in names for part in ("--alias", name)]
            self._docker.run("network", "connect", *aliases, network, container.id)

    def start(self, containers: Sequence[Container]) -> None:
        """Start containers."""
        if containers:
            self._docker.run("start", *(one.id for one in containers))

    def stop(self, containers: Sequence[Container]) -> None:
        """Stop containers gracefully, within the grace period that their Compose file gives them."""
        if containers:
            self._docker.run("stop", *(one.id for one in containers))

    def remove(self, containers: Sequence[Container]) -> None:
        """Remove containers, even running ones."""
        if containers:
            self._docker.run("rm", "--force", "--volumes", *(one.id for one in containers))

    def wait_until_healthy(
        self,
        containers: Sequence[Container],
        patience_s: float,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Return once all are healthy; raise Problem as soon as one is broken, or after `patience_s`."""
        deadline = time.monotonic() + patience_s
        while True:
            now = self.inspect([one.id for one in containers])
            for one in now:
                if one.broken:
                    raise Problem(f"Container {one.name} {one.broken}.")
            waiting = [one for one in now if not one.healthy]
            if not waiting:
                return
            if time.monotonic() >= deadline:
                one = waiting[0]
                raise Problem(
                    f"Container {one.name} is still {one.health or one.state} after {patience_s:g} s."
                )
            sleep(POLL_S)

"""Zero-downtime deployment (blue-green): new containers start beside the old ones and replace them.

For each service as many containers are created as it has now. They start off the networks on which others
find them. Once they are healthy and have answered their probes they join those networks, and only then are
the old ones stopped. A stopped container is removed when the whole deployment has succeeded: until then,
rolling back means starting it again.

For a while both versions serve, on the same tables: the schema migrations of a service only ever add.

If it is killed halfway, old containers, new ones, or both remain. The next rollout, of the same images or of
others, takes whatever runs for what was there before, and leaves as many new containers as there were old.
"""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from compose_stack.delivery.containers import Container, Containers
from compose_stack.delivery.docker import Service, Stack

ORDER = ("serve", "work", "pipeline-api", "streamlit-ui")
"""A service changes before the services that call it."""
STOPPED_FIRST = ("work",)
"""No request waits for a worker, and two versions of it need not agree on what is in the queue."""


@dataclass
class Rollout:
    """One rollout to a running stage: tried, then either completed or rolled back."""

    stack: Stack
    containers: Containers
    probe: Callable[[Container], None]
    report: Callable[[str], None]
    wait_s: int
    changed: list[str] = field(default_factory=list)
    """The services that run other images now, or were about to."""
    _before: list[Container] = field(default_factory=list)
    _stopped_first: set[str] = field(default_factory=set)

    def to(self, env_file: Path) -> None:
        """Have each service run what the file names; raise CannotStart and leave both where one cannot."""
        wanted = self.stack.hashes(env_file)
        services = sorted(self.stack.services(env_file).values(), key=_place)
        for service in services:
            if service.job:
                self.stack.run_job(env_file, service.name)
        self.changed = []
        self._before = self.containers.all()
        for service in services:
            if not service.job:
                self._replace(service, wanted[service.name], env_file)

    def complete(self) -> None:
        """Remove the containers that were replaced."""
        there = self.containers.all()
        self.containers.remove([one for one in there if one.service in self.changed and not one.runs])

    def roll_back(self) -> None:
        """Have every changed service run its containers from before, and no others."""
        before = {one.id for one in self._before if one.runs}
        for name in reversed(self.changed):
            now = [one for one in self.containers.all() if one.service == name]
            newer = [one for one in now if one.id not in before]
            stopped = [one for one in now if one.id in before and not one.runs]
            if name in self._stopped_first:
                self.containers.stop(newer)
            self.containers.start(stopped)
            self.containers.wait_until_healthy(stopped, self.wait_s)
            self.containers.stop(newer)
            self.containers.remove(newer)

    def _replace(self, service: Service, wanted: str, env_file: Path) -> None:
        there = [one for one in self._before if one.service == service.name]
        # A container that is stopped, or was killed before others could find it, serves no requests.
        serving = [one for one in there if one.runs and set(one.networks) >= service.networks]
        idle = [one for one in there if one not in serving]
        old = [one for one in serving if one.config != wanted]
        # As many as the most that run the same image: what a killed deployment left is not counted twice.
        # Not the same hash: Compose has another one for what was started by `up --no-deps`.
        count = max(Counter(one.image for one in serving).values(), default=1)
        missing = max(count - (len(serving) - len(old)), 0)
        self.containers.remove(idle)
        if not (old or missing):
            return
        self.changed.append(service.name)
        began = time.monotonic()
        new = self._create(service, len(serving), missing, env_file)
        if service.name in STOPPED_FIRST or service.publishes:
            self._stopped_first.add(service.name)
            self.containers.stop(old)
        self.containers.start(new)
        self.containers.wait_until_healthy(new, self.wait_s)
        for one in new:
            self.probe(one)
        for one in new:
            self.containers.show(one)
        self.containers.stop(old)
        seconds = time.monotonic() - began
        self.report(f"{service.name}: replaced {len(old)} with {len(new)} in {seconds:.0f} s")

    def _create(self, service: Service, there: int, count: int, env_file: Path) -> list[Container]:
        """Return that many more containers of a service, hidden and not started."""
        if not count:
            return []
        known = {one.id for one in self._before}
        self.stack.create(env_file, service.name, there + count)
        made = [one for one in self.containers.all() if one.service == service.name and one.id not in known]
        for one in made:
            self.containers.hide(one)
        return made


def _place(service: Service) -> tuple[int, str]:
    return (ORDER.index(service.name) if service.name in ORDER else len(ORDER), service.name)

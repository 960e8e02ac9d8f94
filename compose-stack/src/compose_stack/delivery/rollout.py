"""Have the services of a stage run something else, beside what they run, so that nobody notices.

For each service as many containers are made as it has. They start off the networks on which others find
them; once they are healthy and have answered what they are asked, they are put there, and only then the old
ones are stopped. A stopped one is removed when all is proved: until then, going back is to start it again.

Killed at any moment, this leaves old containers, new ones, or both; another change, to the same or to
something else, takes whatever runs for what was there before and leaves as many of the new as there were.
"""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from compose_stack.delivery.containers import Container, Containers
from compose_stack.delivery.docker import Service, Stack

ORDER = ("serve", "work", "pipeline-api", "streamlit-ui")
"""Who is asked changes before who asks."""
ALONE = ("work",)
"""Nobody waits for a worker, and two versions of it need not agree on what is in the queue."""


@dataclass
class Change:
    """One change of a stage that runs; it is tried, then either kept or undone."""

    stack: Stack
    containers: Containers
    ask: Callable[[Container], None]
    report: Callable[[str], None]
    wait_s: int
    changed: list[str] = field(default_factory=list)
    """The services that run something else now, or were about to."""
    _before: list[Container] = field(default_factory=list)
    _alone: set[str] = field(default_factory=set)

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
                self._change(service, wanted[service.name], env_file)

    def keep(self) -> None:
        """Remove what was replaced."""
        there = self.containers.all()
        self.containers.remove([one for one in there if one.service in self.changed and not one.runs])

    def undo(self) -> None:
        """Have every service that was changed run its containers from before, and no others."""
        before = {one.id for one in self._before if one.runs}
        for name in reversed(self.changed):
            now = [one for one in self.containers.all() if one.service == name]
            newer = [one for one in now if one.id not in before]
            stopped = [one for one in now if one.id in before and not one.runs]
            if name in self._alone:
                self.containers.stop(newer)
            self.containers.start(stopped)
            self.containers.wait_until_well(stopped, self.wait_s)
            self.containers.stop(newer)
            self.containers.remove(newer)

    def _change(self, service: Service, wanted: str, env_file: Path) -> None:
        there = [one for one in self._before if one.service == service.name]
        # Who does not run, or was killed before anybody could find it, serves nobody.
        shown = [one for one in there if one.runs and set(one.networks) >= service.networks]
        idle = [one for one in there if one not in shown]
        old = [one for one in shown if one.config != wanted]
        # As many as the most that run the same image: what a killed deployment left is not counted twice.
        # Not the same hash: Compose has another one for what was started by `up --no-deps`.
        count = max(Counter(one.image for one in shown).values(), default=1)
        missing = max(count - (len(shown) - len(old)), 0)
        self.containers.remove(idle)
        if not (old or missing):
            return
        self.changed.append(service.name)
        began = time.monotonic()
        born = self._make(service, len(shown), missing, env_file)
        if service.name in ALONE or service.publishes:
            self._alone.add(service.name)
            self.containers.stop(old)
        self.containers.start(born)
        self.containers.wait_until_well(born, self.wait_s)
        for one in born:
            self.ask(one)
        for one in born:
            self.containers.show(one)
        self.containers.stop(old)
        seconds = time.monotonic() - began
        self.report(f"{service.name}: {len(born)} in place of {len(old)} after {seconds:.0f} s")

    def _make(self, service: Service, there: int, count: int, env_file: Path) -> list[Container]:
        """Return so many more containers of a service, hidden and not started."""
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

"""Ask a stage, by its public face, whether it does its work."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import httpx

from compose_stack.delivery.problems import Problem
from compose_stack.settings import CannotStart

POLL_S = 1.0
QUOTED = 300


@dataclass(frozen=True)
class Expectation:
    """One public path and what makes its answer a good one."""

    what: str
    path: str
    status: int
    contains: str


@dataclass(frozen=True)
class PublicFace:
    """The address by which people reach a stage, and the way there from this machine."""

    url: str
    door: Callable[[], httpx.BaseTransport | None] = lambda: None
    """Opens the way there; a stage's own edge can only be trusted once it runs."""

    @property
    def expectations(self) -> tuple[Expectation, ...]:
        """What must hold of a stage that works. None needs a password, none leaves a record."""
        return (
            Expectation("the gateway and all it needs", "/readyz", 200, '"status":"ok"'),
            Expectation("the gateway's refusal of strangers", "/v1/models", 401, '"title"'),
            Expectation("the API's description", "/openapi.json", 200, '"openapi"'),
            Expectation("the pages", "/", 200, "<title>"),
        )

    def check(self, within_s: float, sleep: Callable[[float], None] = time.sleep) -> None:
        """Return once everything expected holds; raise Problem with what does not after so long."""
        deadline = time.monotonic() + within_s
        for expectation in self.expectations:
            while (wrong := self._wrong(expectation)) is not None:
                if time.monotonic() >= deadline:
                    raise Problem(f"{expectation.what} ({self.url}{expectation.path}): {wrong}")
                sleep(POLL_S)

    def _wrong(self, expectation: Expectation) -> str | None:
        try:
            with httpx.Client(transport=self.door(), timeout=10, follow_redirects=True) as client:
                response = client.get(f"{self.url}{expectation.path}")
        except (httpx.HTTPError, CannotStart) as error:
            return f"it cannot be reached: {error}"
        if response.status_code != expectation.status:
            return f"it answers {response.status_code}, not {expectation.status}: {response.text[:QUOTED]}"
        if expectation.contains not in response.text.replace('": ', '":'):
            return f"its answer lacks {expectation.contains}: {response.text[:QUOTED]}"
        return None

"""The smoke test: whether a stage works, as seen through its public face."""

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
    """One public path, and what a good answer is."""

    what: str
    path: str
    status: int
    contains: str


@dataclass(frozen=True)
class PublicFace:
    """The address at which people reach a stage, and how to connect to it from this machine."""

    url: str
    transport: Callable[[], httpx.BaseTransport | None] = lambda: None
    """Makes the transport for a request; the certificate of a stage's edge is known once the edge runs."""

    @property
    def expectations(self) -> tuple[Expectation, ...]:
        """What must hold for a working stage. No request needs a password or leaves a record."""
        return (
            Expectation("the gateway and everything it needs", "/readyz", 200, '"status":"ok"'),
            Expectation(
                "the gateway's refusal of requests without credentials", "/v1/models", 401, '"title"'
            ),
            Expectation("the description of the API", "/openapi.json", 200, '"openapi"'),
            Expectation("the pages", "/", 200, "<title>"),
        )

    def check(self, within_s: float, sleep: Callable[[float], None] = time.sleep) -> None:
        """Return once every expectation holds; raise Problem with the first that fails for `within_s`."""
        deadline = time.monotonic() + within_s
        for expectation in self.expectations:
            while (wrong := self._wrong(expectation)) is not None:
                if time.monotonic() >= deadline:
                    raise Problem(f"{expectation.what} ({self.url}{expectation.path}): {wrong}")
                sleep(POLL_S)

    def _wrong(self, expectation: Expectation) -> str | None:
        try:
            with httpx.Client(transport=self.transport(), timeout=10, follow_redirects=True) as client:
                response = client.get(f"{self.url}{expectation.path}")
        except (httpx.HTTPError, CannotStart) as error:
            return f"it cannot be reached: {error}"
        if response.status_code != expectation.status:
            return f"it answers {response.status_code}, not {expectation.status}: {response.text[:QUOTED]}"
        if expectation.contains not in response.text.replace('": ', '":'):
            return f"its answer lacks {expectation.contains}: {response.text[:QUOTED]}"
        return None

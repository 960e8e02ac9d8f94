"""Ask a stage, by its public face, whether it does its work."""

import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from compose_stack.delivery.problems import Problem

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
    """The address by which people reach a stage, and how this machine gets there."""

    url: str
    authority: Path | None = None
    """The certificate authority of an intranet; none: those that this machine trusts."""
    connect_to: str | None = None
    """`host:port` to connect to in place of the address's own, whose name stays: a proxy not yet in DNS."""

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
        with httpx.Client(verify=self._trust(), timeout=10, follow_redirects=True) as client:
            for expectation in self.expectations:
                while (wrong := self._wrong(client, expectation)) is not None:
                    if time.monotonic() >= deadline:
                        raise Problem(f"{expectation.what} ({self.url}{expectation.path}): {wrong}")
                    sleep(POLL_S)

    def _wrong(self, client: httpx.Client, expectation: Expectation) -> str | None:
        try:
            response = client.send(self._request(client, f"{self.url}{expectation.path}"))
        except httpx.HTTPError as error:
            return f"it cannot be reached: {error}"
        if response.status_code != expectation.status:
            return f"it answers {response.status_code}, not {expectation.status}: {response.text[:QUOTED]}"
        if expectation.contains not in response.text.replace('": ', '":'):
            return f"its answer lacks {expectation.contains}: {response.text[:QUOTED]}"
        return None

    def _request(self, client: httpx.Client, url: str) -> httpx.Request:
        if self.connect_to is None:
            return client.build_request("GET", url)
        wanted = urlsplit(url)
        return client.build_request(
            "GET",
            wanted._replace(netloc=self.connect_to).geturl(),
            headers={"Host": wanted.netloc},
            extensions={"sni_hostname": wanted.hostname},
        )

    def _trust(self) -> ssl.SSLContext:
        try:
            return ssl.create_default_context(cafile=self.authority)
        except OSError as error:
            raise Problem(
                f"SMOKE_CA is {self.authority}, which is no certificate that can be read."
            ) from error

"""Calling the gateway over HTTP: one request, its answer, and whatever keeps it from coming.

GatewayError          anything that kept the gateway from doing what was asked, with a sentence to show
├── SignedOut         401: no credential, or one that has ended
└── Unreachable       no answer, or none in time
"""

import re
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any
from urllib.parse import quote

import httpx

from streamlit_ui.telemetry import call

_PARAMETER = re.compile(r"\{\w+\}")
SLOW_S = 120
"""Timeout of the few calls that load something before they answer."""
_UNEXPECTED = "The gateway answered in a way this page does not understand."


class GatewayError(Exception):
    """The gateway refused, or failed: the sentence says why."""

    def __init__(
        self,
        sentence: str,
        status: int | None = None,
        body: Mapping[str, Any] | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.status = status
        self.body = body or {}
        """The problem details as they came."""
        self.retry_after = retry_after
        """Seconds to wait before asking again, if the gateway said so."""

    @property
    def transient(self) -> bool:
        """The same request may succeed later."""
        status = self.status
        return (
            status is None or status == httpx.codes.TOO_MANY_REQUESTS or httpx.codes.is_server_error(status)
        )

    @property
    def errors(self) -> list[tuple[tuple[str | int, ...], str]]:
        """What is wrong with the request: each place with its message."""
        found = self.body.get("errors") or []
        return [(tuple(error.get("loc", ())), str(error.get("message", ""))) for error in found]


class SignedOut(GatewayError):
    """The credential is missing, revoked or past its end."""


class Unreachable(GatewayError):
    """There was no answer."""


def connect(url: str, timeout_s: float) -> httpx.Client:
    """Return a pool of connections to the gateway, shared by every session of this process."""
    # Connecting is repeated, a request never: what was sent may have been done.
    transport = httpx.HTTPTransport(retries=2, verify=trusted_certificates())
    return httpx.Client(base_url=url, timeout=timeout_s, transport=transport)


@cache
def trusted_certificates() -> ssl.SSLContext:
    """Load the trusted certificates once in a process: it takes longer than most requests."""
    return httpx.create_ssl_context()


class Caller:
    """Sends one person's requests."""

    def __init__(self, http: httpx.Client, token: str | None = None) -> None:
        """Call through a pool of connections, with a person's token once they have one."""
        self._http = http
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    def _json(self, method: str, route: str, *names: str, **request: Any) -> Any:
        response = self._call(method, route, *names, **request)
        try:
            return response.json()
        except ValueError as error:
            raise GatewayError(_UNEXPECTED, response.status_code) from error

    def _call(
        self, method: str, route: str, *names: str, headers: Mapping[str, str] | None = None, **request: Any
    ) -> httpx.Response:
        """Call a route of the gateway's contract, with a name for each parameter of its path."""
        given = iter(names)
        path = _PARAMETER.sub(lambda _: _segment(next(given)), route)
        with (
            _network_errors_as_sentences(),
            call(method, route, {**self._headers, **(headers or {})}) as (answer, sent),
        ):
            response = self._http.request(method, path, headers=sent, **request)
            answer.status = response.status_code
        if response.is_success:
            return response
        raise _problem(response)


def _segment(name: str) -> str:
    """Return a name as one segment of a path: `.` and `..` would otherwise be resolved away."""
    return "%2E" * len(name) if name in (".", "..") else quote(name, safe="")


@contextmanager
def _network_errors_as_sentences() -> Iterator[None]:
    try:
        yield
    except httpx.TimeoutException as error:
        raise Unreachable("The gateway took too long to answer. Please try again.") from error
    except httpx.TransportError as error:
        raise Unreachable("The gateway cannot be reached right now. Please try again shortly.") from error


def _problem(response: httpx.Response) -> GatewayError:
    try:
        body = response.json()
    except ValueError:
        body = {}
    body = body if isinstance(body, dict) else {}
    sentence = str(
        body.get("detail") or body.get("title") or f"{_UNEXPECTED} (status {response.status_code})"
    )
    wait = response.headers.get("Retry-After", "")
    kind = SignedOut if response.status_code == httpx.codes.UNAUTHORIZED else GatewayError
    return kind(sentence, response.status_code, body, float(wait) if wait.isdigit() else None)

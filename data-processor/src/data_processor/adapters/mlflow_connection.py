"""Calls MLflow over plain HTTP: one client, and one definition of which failures are worth a retry.

The long-lived processes talk to MLflow through this module and never import its package, which costs 80 MB
and seconds. Only idempotent calls may be retried, and `patiently` is the only place that retries them.
"""

import logging
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import httpx
import stamina

UNAVAILABLE = (408, 425, 429, 500, 502, 503, 504)
API = "/api/2.0/mlflow"

P = ParamSpec("P")
R = TypeVar("R")


class MlflowUnreachableError(Exception):
    """MLflow did not respond, or responded that it is unavailable."""

    def __init__(self, url: str, cause: object) -> None:
        """Name the address that was tried and what happened."""
        super().__init__(f"MLflow at {url} could not be reached: {str(cause) or type(cause).__name__}.")


class MlflowRefusedError(Exception):
    """MLflow responded, and rejected the request."""

    def __init__(self, what: str, answer: httpx.Response) -> None:
        """Name what was asked and how it responded."""
        super().__init__(f"MLflow refused {what}: {answer.status_code} {answer.text[:300]}")
        # For an alias that does not exist, MLflow responds 400 and says so only in words.
        self.missing = answer.status_code == httpx.codes.NOT_FOUND or "not found" in answer.text


class MlflowConnection:
    """A connection pool for one MLflow server."""

    def __init__(self, url: str, timeout_s: float = 10, *, login: tuple[str, str] | None = None) -> None:
        """Open lazily, at the first call; `login` is name and password, if the server requires them."""
        self.url = url.rstrip("/")
        self.client = httpx.Client(base_url=self.url, timeout=timeout_s, auth=login)
        logging.getLogger("httpx").setLevel(logging.WARNING)  # it would log every call, several a minute

    def call(self, method: str, path: str, *, what: str, **request: Any) -> dict[str, Any]:
        """Make one REST call and return its JSON; raises `MlflowUnreachableError` or `MlflowRefusedError`."""
        try:
            answer = self.client.request(method, API + path, **request)
        except httpx.TransportError as error:
            raise MlflowUnreachableError(self.url, error) from error
        check(self.url, answer, what)
        found: dict[str, Any] = answer.json()
        return found

    def close(self) -> None:
        """Close every connection."""
        self.client.close()


def check(url: str, answer: httpx.Response, what: str) -> None:
    """Raise `MlflowUnreachableError` or `MlflowRefusedError` unless an answer is a success."""
    if answer.status_code in UNAVAILABLE:
        raise MlflowUnreachableError(url, f"it responded {answer.status_code}")
    if not answer.is_success:
        raise MlflowRefusedError(what, answer)


def patiently(call: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Make an idempotent call, and retry it for up to half a minute while MLflow is unreachable."""
    retrying = stamina.RetryingCaller(attempts=8, timeout=30, wait_initial=0.2, wait_max=8)
    return retrying(MlflowUnreachableError, call, *args, **kwargs)

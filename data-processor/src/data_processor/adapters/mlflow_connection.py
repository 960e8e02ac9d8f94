"""How MLflow is called over plain HTTP: one client, one rule for what is worth retrying.

The long-lived processes speak to MLflow through this and never import its package, which costs 80 MB and
seconds. Only idempotent calls may be retried, and `patiently` is the one place that retries them.
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
    """MLflow did not answer, or answered that it cannot at the moment."""

    def __init__(self, url: str, cause: object) -> None:
        """Say which address was tried and what happened."""
        super().__init__(f"MLflow at {url} could not be reached: {str(cause) or type(cause).__name__}.")


class MlflowRefusedError(Exception):
    """MLflow answered, and the answer was no."""

    def __init__(self, what: str, answer: httpx.Response) -> None:
        """Say what was asked and what it answered."""
        super().__init__(f"MLflow refused {what}: {answer.status_code} {answer.text[:300]}")
        # For an alias that does not exist MLflow answers 400 and says so only in words.
        self.missing = answer.status_code == httpx.codes.NOT_FOUND or "not found" in answer.text


class MlflowConnection:
    """A pool of connections to one MLflow server."""

    def __init__(self, url: str, timeout_s: float = 10, *, login: tuple[str, str] | None = None) -> None:
        """Open lazily: nothing is connected before the first call. `login`: name and password, if it asks."""
        self.url = url.rstrip("/")
        self.client = httpx.Client(base_url=self.url, timeout=timeout_s, auth=login)
        logging.getLogger("httpx").setLevel(logging.WARNING)  # else it logs every call, several a minute

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
        raise MlflowUnreachableError(url, f"it answered {answer.status_code}")
    if not answer.is_success:
        raise MlflowRefusedError(what, answer)


def patiently(call: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Make an idempotent call, again and again for up to half a minute while MLflow is unreachable."""
    retrying = stamina.RetryingCaller(attempts=8, timeout=30, wait_initial=0.2, wait_max=8)
    return retrying(MlflowUnreachableError, call, *args, **kwargs)

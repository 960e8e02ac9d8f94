"""The errors a caller may see, as RFC 9457 problem details.

Problem                      500
├── BadRequest               400
├── Unauthenticated          401
├── Forbidden                403
├── NotFound                 404
├── Conflict                 409
├── TooLarge                 413
├── Invalid                  422  names every bad field in `errors`
├── TooManyRequests          429  with Retry-After
├── UpstreamUnreachable      502
├── NotReady                 503  with Retry-After
└── UpstreamSlow             504

Plain code raises them, and needs no web framework for it: `problem_responses.py` renders them. An error of a
full disk or of a database that does not take data (`storage.py`) is `NotReady`; anything else that is raised
becomes a 500 that does not reveal its cause.
"""

import math
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, ClassVar, TypedDict

from .storage import Outage

MEDIA_TYPE = "application/problem+json"
# Python renamed these two in 3.13; ours stay the same everywhere.
_TITLES = {413: "Content Too Large", 422: "Unprocessable Content"}
INTERNAL_ERROR = "Something went wrong inside the service. Its log has the details under the trace id."


class FieldError(TypedDict):
    """Say where in the request a value is wrong, and how."""

    loc: Sequence[str | int]
    message: str


class Problem(Exception):
    """Tell a caller what went wrong, in one sentence that says what to do.

    `extra` members are added to the body beside the standard ones, e.g. `run="r-1"`.
    """

    status: ClassVar[int] = 500

    def __init__(
        self,
        detail: str,
        *,
        errors: Sequence[FieldError] | None = None,
        headers: Mapping[str, str] | None = None,
        **extra: Any,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errors = errors
        self.headers = dict(headers or {})
        self.extra = extra

    @property
    def title(self) -> str:
        """Return the standard phrase of the status."""
        return _phrase(self.status)

    def body(self, instance: str | None = None) -> dict[str, Any]:
        """Return the problem details object; `instance` is the path that was asked for."""
        body: dict[str, Any] = {
            **self.extra,
            "type": "about:blank",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
        }
        if instance is not None:
            body["instance"] = instance
        if self.errors is not None:
            body["errors"] = [
                {"loc": list(error["loc"]), "message": error["message"]} for error in self.errors
            ]
        return body


class BadRequest(Problem):
    """The request cannot be understood."""

    status = 400


class Unauthenticated(Problem):
    """The caller did not prove who they are."""

    status = 401

    def __init__(self, detail: str, *, headers: Mapping[str, str] | None = None, **extra: Any) -> None:
        super().__init__(detail, headers={"WWW-Authenticate": "Bearer", **(headers or {})}, **extra)


class Forbidden(Problem):
    """The caller may not do this."""

    status = 403


class NotFound(Problem):
    """The thing asked for does not exist, or is not for this caller to see."""

    status = 404


class Conflict(Problem):
    """The state of the thing forbids the request."""

    status = 409


class TooLarge(Problem):
    """The request body is larger than the service accepts."""

    status = 413


class Invalid(Problem):
    """The payload breaks its schema; `errors` names every bad field."""

    status = 422


class TooManyRequests(Problem):
    """The caller makes too many requests; `retry_after` is in seconds."""

    status = 429

    def __init__(
        self, detail: str, *, retry_after: float, headers: Mapping[str, str] | None = None, **extra: Any
    ) -> None:
        super().__init__(detail, headers={"Retry-After": _seconds(retry_after), **(headers or {})}, **extra)


class UpstreamUnreachable(Problem):
    """A service behind this one does not answer."""

    status = 502


class NotReady(Problem):
    """The service cannot do this now; trying again after `retry_after` seconds may help."""

    status = 503

    def __init__(
        self, detail: str, *, retry_after: float = 5, headers: Mapping[str, str] | None = None, **extra: Any
    ) -> None:
        super().__init__(detail, headers={"Retry-After": _seconds(retry_after), **(headers or {})}, **extra)


class UpstreamSlow(Problem):
    """A service behind this one took too long."""

    status = 504


def storage_failed(found: Outage) -> NotReady:
    """Return the problem of a request whose data cannot be stored or read now."""
    return NotReady(
        f"The service cannot use its storage: {found.reason}. Try again later.", retry_after=found.retry_after
    )


def _seconds(wait: float) -> str:
    return str(max(1, math.ceil(wait)))


def _phrase(status: int) -> str:
    if status in _TITLES:
        return _TITLES[status]
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"

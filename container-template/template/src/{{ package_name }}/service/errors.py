"""The errors a caller may see, rendered as RFC 9457 problem details.

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

Plain code raises them; only the handlers at the end know about HTTP. An error of a full disk or of a database
that does not take data (`storage.py`) is `NotReady`; anything else that is raised becomes a 500 that does not
reveal its cause.
"""

import json
import math
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, ClassVar, TypedDict

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, HTTPConnection
from starlette.responses import Response
from starlette.websockets import WebSocket, WebSocketState

from .storage import Outage, outage

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


def problem_response(problem: Problem, instance: str | None = None) -> Response:
    """Render a problem as a response that any ASGI code can send."""
    content = json.dumps(problem.body(instance), default=str).encode()
    return Response(content, problem.status, problem.headers, MEDIA_TYPE)


def http_problem(error: HTTPException, path: str) -> Problem:
    """Turn an error of the web framework into a problem with the same status and headers."""
    detail = error.detail
    if error.status_code == HTTPStatus.NOT_FOUND and detail == HTTPStatus.NOT_FOUND.phrase:
        detail = f"There is nothing at {path}."
    problem = Problem(str(detail), headers=error.headers)
    problem.status = error.status_code  # type: ignore[misc] # the framework's statuses have no class of their own
    return problem


def invalid_request(error: RequestValidationError) -> Invalid:
    """Turn the framework's validation errors into one problem that names them all, without echoing values."""
    errors = [FieldError(loc=e["loc"], message=e["msg"]) for e in error.errors()]
    values = "One value" if len(errors) == 1 else f"{len(errors)} values"
    return Invalid(f"{values} in the request cannot be accepted; see errors.", errors=errors)


def storage_failed(found: Outage) -> NotReady:
    """Return the problem of a request whose data cannot be stored or read now."""
    return NotReady(
        f"The service cannot use its storage: {found.reason}. Try again later.", retry_after=found.retry_after
    )


def problem_of(error: Exception, path: str) -> Problem | None:
    """Return the problem that an error is to a caller; None for a defect, whose cause stays inside."""
    match error:
        case Problem():
            return error
        case RequestValidationError():
            return invalid_request(error)
        case HTTPException():
            return http_problem(error, path)
        case ClientDisconnect():  # nobody hears it, but it is no defect either
            return BadRequest("The request ended before its body was complete.")
    found = outage(error)
    return storage_failed(found) if found else None


def install_problem_handlers(app: FastAPI) -> None:
    """Make every error of the app a problem response."""

    async def render(connection: HTTPConnection, error: Exception) -> Response | None:
        path = connection.url.path
        problem = problem_of(error, path) or Problem(INTERNAL_ERROR)
        response = problem_response(problem, path)
        if isinstance(connection, WebSocket):
            await _refuse(connection, problem, response)
            return None
        return response

    for kind in (Problem, RequestValidationError, HTTPException, Exception):
        app.add_exception_handler(kind, render)  # type: ignore[arg-type] # serves both kinds of connection


async def _refuse(connection: WebSocket, problem: Problem, response: Response) -> None:
    """Answer a handshake with the problem, or close an open WebSocket with its sentence (≤ 123 bytes)."""
    if connection.application_state is WebSocketState.CONNECTING:
        await connection.send_denial_response(response)
    elif connection.application_state is WebSocketState.CONNECTED:
        code = 1011 if problem.status >= HTTPStatus.INTERNAL_SERVER_ERROR else 1008
        await connection.close(code, problem.detail.encode()[:123].decode(errors="ignore"))


def _seconds(wait: float) -> str:
    return str(max(1, math.ceil(wait)))


def _phrase(status: int) -> str:
    if status in _TITLES:
        return _TITLES[status]
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"

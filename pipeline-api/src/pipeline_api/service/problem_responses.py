"""How errors reach a caller: every error that a request may meet, and the response that tells of it."""

import json
from http import HTTPStatus

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, HTTPConnection
from starlette.responses import Response
from starlette.websockets import WebSocket, WebSocketState

from .errors import INTERNAL_ERROR, MEDIA_TYPE, BadRequest, FieldError, Invalid, Problem, storage_failed
from .storage import outage


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

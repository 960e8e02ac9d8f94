"""Errors for both kinds of clients: problem details that include the protocol's own `error`."""

import json
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute

from pipeline_api.connection_pool import UpstreamResponse
from pipeline_api.service.errors import Problem, UpstreamUnreachable
from pipeline_api.service.problem_responses import invalid_request

NAMED = 5
"""Errors that are named in the one sentence; all of them are in `errors`."""


class OipRoute(APIRoute):
    """A route whose problems include an `error`, even those raised before its endpoint is reached."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler that FastAPI calls."""
        handle = super().get_route_handler()

        async def handle_with_errors(request: Request) -> Response:
            try:
                return await handle(request)
            except RequestValidationError as error:
                raise _with_error(invalid_request(error)) from error
            except Problem as problem:
                raise _with_error(problem) from problem.__cause__

        return handle_with_errors


class Unexpected(UpstreamUnreachable):
    """The data-processor answered, but not as its contract says."""

    def __init__(self, what: str) -> None:
        """Name what was asked for."""
        super().__init__(
            f"The data-processor's answer about {what} cannot be read: it may be of another release than the "
            "gateway."
        )


class Relayed(Problem):
    """A problem of the data-processor, passed on."""

    def __init__(self, answer: UpstreamResponse) -> None:
        """Parse it from an unsuccessful answer."""
        try:
            body = json.loads(answer.body)
            detail, errors = body["detail"], body.get("errors")
        except (ValueError, KeyError, TypeError) as error:
            raise UpstreamUnreachable(f"The data-processor failed with status {answer.status}.") from error
        wait = answer.headers.get(b"retry-after")
        super().__init__(
            detail, errors=errors, headers={"Retry-After": wait.decode("latin-1")} if wait else None
        )
        self.status = answer.status  # type: ignore[misc]  # this one has the answer's status


def _with_error(problem: Problem) -> Problem:
    problem.extra["error"] = _sentence(problem.detail, problem.errors or [])
    return problem


def _sentence(detail: str, errors: Sequence[Mapping[str, Any]]) -> str:
    # An error's message may be part of the sentence already.
    others = [error for error in errors if error["message"] not in detail]
    named = [f"{'.'.join(str(part) for part in e['loc'])}: {e['message']}" for e in others[:NAMED]]
    more = f" (and {len(others) - NAMED} more)" if len(others) > NAMED else ""
    return " ".join([detail, "; ".join(named) + more]).strip() if named else detail

"""Requests and answers as JSON: whatever arrives is read with care, and answered with its own `$id`."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import msgspec

from pipeline_api.service.errors import BadRequest, Problem, TooLarge

MAX_ID = 255
"""Characters of a `$id`."""
_PROBLEM = 400

Fields = dict[str, msgspec.Raw]
Id = str | int

_fields = msgspec.json.Decoder(Fields)
_id = msgspec.json.Decoder(Id)


class _ProblemDetails(msgspec.Struct):
    detail: str = ""
    errors: list[dict[str, Any]] | None = None


class Request(NamedTuple):
    """A message, as far as it could be read."""

    id: Id | None
    fields: Fields
    """All but the `$id`."""
    problem: Problem | None
    """What is wrong with it, if anything is."""


def read(payload: bytes, max_bytes: int) -> Request:
    """Return what a message says, whatever it is."""
    if len(payload) > max_bytes:
        return _unread(TooLarge(f"The message has {len(payload)} bytes; {max_bytes} is the most."))
    try:
        fields = _fields.decode(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return _unread(BadRequest("The message must be a JSON object."))
    try:
        request_id = _id.decode(fields.pop("$id", msgspec.Raw(b"null")))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        request_id = None
    if request_id is None or (isinstance(request_id, str) and not 0 < len(request_id) <= MAX_ID):
        return _unread(BadRequest(f"'$id' must be an integer, or a text of 1 to {MAX_ID} characters."))
    return Request(request_id, fields, None)


def text_of(fields: Fields, name: str) -> str:
    """Take a text out of a request's fields; raise 400 when there is none."""
    try:
        return msgspec.json.decode(fields.pop(name), type=str)
    except (KeyError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BadRequest(f"'{name}' must be given, as a text.") from error


def encode(fields: Fields) -> bytes:
    """Return fields as a JSON object."""
    return msgspec.json.encode(fields)


def answer(
    request_id: Id | None, status: int, body: bytes, shape: Callable[[bytes], Mapping[str, Any]] | None = None
) -> bytes:
    """Return what the data-processor answered, as the answer to a request; `shape` picks its fields."""
    if status >= _PROBLEM:
        try:
            found = msgspec.json.decode(body, type=_ProblemDetails)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            found = _ProblemDetails()
        detail = found.detail or f"The data-processor failed with status {status}."
        return _refusal(request_id, status, detail, found.errors)
    fields = shape(body) if shape else _fields.decode(body)
    return msgspec.json.encode({"$id": request_id, **fields})


def refusal(request_id: Id | None, problem: Problem) -> bytes:
    """Return a problem as the answer to a request."""
    errors = problem.body().get("errors")
    return _refusal(request_id, problem.status, problem.detail, errors)


def _unread(problem: Problem) -> Request:
    return Request(None, {}, problem)


def _refusal(request_id: Id | None, status: int, message: str, errors: list[dict[str, Any]] | None) -> bytes:
    error: dict[str, Any] = {"message": message, "status": status}
    if errors:
        error["errors"] = errors
    return msgspec.json.encode({"$id": request_id, "error": error})

"""The slow pass over a request: finds everything that is wrong with it, naming each row and field."""

import json
import math
import sys
from collections.abc import Iterator
from typing import Any, NamedTuple, NoReturn

from data_processor.features.calendar import parse_timestamp
from data_processor.features.schema import Column, Schema
from data_processor.service.errors import BadRequest, FieldError, Invalid

LARGEST_NUMBER = 1e30
"""The largest number that is accepted: up to it, compiled models are compared with trained ones."""
MAX_NAMED = 10_000
"""The most errors that one response lists; their count is always exact."""
QUOTED = 60
"""Characters of a caller's text that an error repeats."""
LONGEST_INTEGER = 400
"""Digits from which an integer is read as infinite; Python refuses to read one of more than 4 300."""


class Limits(NamedTuple):
    """How much one request may carry."""

    max_rows: int = 10_000
    max_text_length: int = 10_000


class _Object(dict[str, Any]):
    """A JSON object that remembers which of its keys occurred more than once."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        seen: set[str] = set()
        self.repeated = sorted({key for key, _ in pairs if key in seen or seen.add(key)})  # type: ignore[func-returns-value] # add returns None, so the key is kept only if it was seen


def diagnose(
    body: bytes, schema: Schema, limits: Limits, *, reject_unseen: bool
) -> tuple[list[dict[str, Any]], str | None]:
    """Return the rows and the version of a valid request.

    Raises `BadRequest` for a body that is not JSON, else `Invalid` with every error of every field.
    """
    document = _parse(body)
    if not isinstance(document, _Object):
        _refuse([_error(["body"], f"must be an object with `inputs`, not {_kind(document)}")], 1)
    errors = [*_envelope(document), *_rows(document, schema, limits, reject_unseen=reject_unseen)]
    if errors:
        _refuse(errors[:MAX_NAMED], len(errors))
    return document["inputs"], document.get("version")


def _parse(body: bytes) -> Any:
    try:
        return json.loads(body.decode(), object_pairs_hook=_Object, parse_int=_integer)
    except UnicodeDecodeError as error:
        raise BadRequest(f"The body is not UTF-8: byte {error.start} is not valid.") from error
    except RecursionError as error:
        raise BadRequest("The body is nested too deeply; send inputs as flat objects.") from error
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise BadRequest(f"The body is not JSON: {error.msg} at {where}.") from error


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) <= LONGEST_INTEGER else math.copysign(math.inf, float(digits[:2]))


def _envelope(document: _Object) -> Iterator[FieldError]:
    for key in document.repeated:
        yield _error(["body", _show(key)], "occurs more than once; give it once")
    for key in document:
        if key not in ("inputs", "version"):
            yield _error(
                ["body", _show(key)], "is unknown; a request has `inputs` and, optionally, `version`"
            )
    version = document.get("version")
    if version is not None and (message := _text_problem(version, 256)):
        yield _error(["body", "version"], message)


def _rows(document: _Object, schema: Schema, limits: Limits, *, reject_unseen: bool) -> Iterator[FieldError]:
    where: list[str | int] = ["body", "inputs"]
    if "inputs" not in document:
        yield _error(where, "is missing; give a list of inputs")
        return
    rows = document["inputs"]
    if not isinstance(rows, list):
        yield _error(where, f"must be a list of inputs, not {_kind(rows)}")
        return
    if not rows:
        yield _error(where, "is empty; give at least one input")
        return
    if len(rows) > limits.max_rows:
        yield _error(
            where,
            f"has {len(rows)} inputs; one request may have at most {limits.max_rows}; send several requests",
        )
        return
    columns = {column.name: column for column in schema.inputs}
    for number, row in enumerate(rows):
        for name, message in _row(row, columns, limits, reject_unseen=reject_unseen):
            yield _error([*where, number, name] if name is not None else [*where, number], message)


def _row(
    row: Any, columns: dict[str, Column], limits: Limits, *, reject_unseen: bool
) -> Iterator[tuple[str | None, str]]:
    if not isinstance(row, _Object):
        yield None, f"must be an object of column names and values, not {_kind(row)}"
        return
    for name in row.repeated:
        yield _show(name), "occurs more than once; give it once"
    for name in row:
        if name not in columns:
            yield _show(name), "is not an input of the model; leave it out"
    for name, column in columns.items():
        value = row.get(name)
        if value is None:
            if not column.nullable:
                yield name, "is missing; this input is required"
        elif message := _problem(value, column, limits, reject_unseen=reject_unseen):
            yield name, message


def _problem(value: Any, column: Column, limits: Limits, *, reject_unseen: bool) -> str | None:
    if column.kind == "numeric":
        return _number_problem(value, integer=column.integer)
    if message := _text_problem(value, limits.max_text_length):
        return message
    if column.calendar and (message := _timestamp_problem(value)):
        return message
    if reject_unseen and column.kind == "categorical" and value not in column.categories:
        return f"{_show(value)!r} is a category that training never saw, which the model's policy rejects"
    return None


def _number_problem(value: Any, *, integer: bool) -> str | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return f"must be a number, not {_kind(value)}"
    if not -LARGEST_NUMBER <= value <= LARGEST_NUMBER:
        finite = isinstance(value, int) or math.isfinite(value)
        return (
            f"must be a number from {-LARGEST_NUMBER:g} to {LARGEST_NUMBER:g}"
            if finite
            else "must be a finite number"
        )
    if integer and value != int(value):
        return f"must be a whole number, not {value!r}"
    return None


def _text_problem(value: Any, longest: int) -> str | None:
    if not isinstance(value, str):
        return f"must be text, not {_kind(value)}"
    if len(value) > longest:
        return f"has {len(value)} characters; at most {longest} are accepted"
    if not _is_unicode(value):
        return "contains half a character (a lone surrogate), which is not valid Unicode"
    return None


def _timestamp_problem(value: str) -> str | None:
    try:
        parse_timestamp(value)
    except ValueError:
        return (
            f"{_show(value)!r} is not a date or time; write 2026-01-31 or 2026-01-31T13:05:00, "
            "with a UTC offset if the time is not in UTC"
        )
    return None


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    kinds = {bool: "true or false", str: "text", list: "a list", _Object: "an object"}
    return kinds.get(type(value), "a number")


def _show(text: str) -> str:
    """Return a caller's text as an error may repeat it: short, and valid Unicode."""
    shown = text if len(text) <= QUOTED else f"{text[:QUOTED]}…"
    return shown.encode(sys.getdefaultencoding(), "backslashreplace").decode()


def _error(loc: list[str | int], message: str) -> FieldError:
    return FieldError(loc=loc, message=message)


def _refuse(errors: list[FieldError], count: int) -> NoReturn:
    fields = "One field is" if count == 1 else f"{count} fields are"
    listed = f"; the first {MAX_NAMED} are listed" if count > len(errors) else ""
    raise Invalid(f"{fields} not valid{listed}. Nothing was predicted or recorded.", errors=errors)

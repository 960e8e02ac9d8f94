"""The slow pass over a request: reads what the fast one does not take, and names all that is wrong with it.

Cells are read as the version's table was read (`features/cells.py`); what comes out, and is recorded, is what
training sees of such a cell.
"""

import json
import math
import sys
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, NoReturn

from data_processor.features.cells import Cell, Value, cell_reader, kind_of
from data_processor.features.reading import UnreadableError
from data_processor.features.schema import Column, Schema, is_unnamed
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


class Read(NamedTuple):
    """A valid request, with every cell read."""

    rows: list[dict[str, Value]]
    """The inputs that were given, by the model's names."""
    ignored: list[list[str]]
    """Of each row, the columns of the table that are no inputs."""
    beside: list[dict[str, Cell]]
    """Of each row, its group and its time as they were sent, where they are no inputs."""
    version: str | None


class _Input(NamedTuple):
    column: Column
    read: Callable[[Cell], Value]


class Diagnosis:
    """The slow pass of one version."""

    def __init__(self, schema: Schema, limits: Limits, *, reject_unseen: bool) -> None:
        """Get ready to read every column; unseen categories are errors if so wished."""
        self._limits = limits
        self._reject_unseen = reject_unseen
        self._inputs = {column.name: _Input(column, cell_reader(column)) for column in schema.inputs}
        self._sources = {
            column.source: column.name
            for column in schema.inputs
            if column.source and column.source not in self._inputs
        }
        others = [column for column in schema.columns if column.name not in self._inputs]
        self._others = {name for one in others for name in (one.name, one.source) if name}
        self._beside = {
            name: one.name
            for one in schema.beside
            for name in (one.name, one.source)
            if name and name not in self._inputs and name not in self._sources
        }

    def read(self, body: bytes) -> Read:
        """Return a valid request.

        Raises `BadRequest` for a body that is not JSON, else `Invalid` with every error of every field.
        """
        document = _parse(body)
        if not isinstance(document, _Object):
            _refuse([_error(["body"], f"must be an object with `inputs`, not {kind_of(document)}")], 1)
        errors = [*_envelope(document)]
        read = Read([], [], [], document.get("version"))
        errors += self._rows(document, read)
        if errors:
            _refuse(errors[:MAX_NAMED], len(errors))
        return read

    def _rows(self, document: _Object, read: Read) -> Iterator[FieldError]:
        where: list[str | int] = ["body", "inputs"]
        if "inputs" not in document:
            yield _error(where, "is missing; give a list of inputs")
            return
        rows, most = document["inputs"], self._limits.max_rows
        if not isinstance(rows, list):
            yield _error(where, f"must be a list of inputs, not {kind_of(rows)}")
            return
        if not rows:
            yield _error(where, "is empty; give at least one input")
            return
        if len(rows) > most:
            message = f"has {len(rows)} inputs; one request may have at most {most}; send several requests"
            yield _error(where, message)
            return
        for number, row in enumerate(rows):
            values: dict[str, Value] = {}
            ignored: list[str] = []
            beside: dict[str, Cell] = {}
            for name, message in self._row(row, values, ignored, beside):
                yield _error([*where, number, name] if name is not None else [*where, number], message)
            read.rows.append(values)
            read.ignored.append(ignored)
            read.beside.append(beside)

    def _row(
        self, row: Any, values: dict[str, Value], ignored: list[str], beside: dict[str, Cell]
    ) -> Iterator[tuple[str | None, str]]:
        """Read one row into `values`, and yield what is wrong with it."""
        if not isinstance(row, _Object):
            yield None, f"must be an object of column names and values, not {kind_of(row)}"
            return
        for name in row.repeated:
            yield _show(name), "occurs more than once; give it once"
        given: dict[str, Cell] = {}
        yield from self._named(row, given, ignored, beside)
        for name, (column, read) in self._inputs.items():
            cell = given.get(name)
            try:
                value = self._value(cell, column, read)
            except UnreadableError as error:
                yield name, str(error)
                continue
            if value is None and not column.nullable:
                how = f" ({_show(repr(cell))} stands for a missing value)" if isinstance(cell, str) else ""
                yield name, f"is missing{how}; this input is required"
            elif name in given:
                values[name] = value

    def _named(
        self, row: _Object, given: dict[str, Cell], ignored: list[str], beside: dict[str, Cell]
    ) -> Iterator[tuple[str, str]]:
        """Find the cells of a row by the model's names, and yield what is wrong with the others."""
        for name, cell in row.items():
            known = name if name in self._inputs else self._sources.get(name)
            if known is None and name in self._beside:
                if message := self._problem_beside(cell):
                    yield _show(name), message
                beside[self._beside[name]] = cell
            elif known is None and (name in self._others or is_unnamed(name)):
                ignored.append(name)
            elif known is None:
                yield _show(name), "is not an input of the model; leave it out"
            elif known in given:
                yield _show(name), f"is given as {_show(known)!r} too; give it once"
            else:
                given[known] = cell

    def _problem_beside(self, cell: Any) -> str | None:
        """Say why a group or a time cannot be kept, if so."""
        if isinstance(cell, bool) or not isinstance(cell, str | int | float | None):
            return f"must be a text or a number, not {kind_of(cell)}"
        if isinstance(cell, str):
            return _text_problem(cell, self._limits.max_text_length)
        return None if cell is None else _number_problem(cell)

    def _value(self, cell: Cell, column: Column, read: Callable[[Cell], Value]) -> Value:
        """Return what a cell means; raises `UnreadableError` if it means nothing that the model takes."""
        if isinstance(cell, str) and (message := _text_problem(cell, self._limits.max_text_length)):
            raise UnreadableError(message)
        value = read(cell)
        if isinstance(value, int | float) and (message := _number_problem(value)):
            raise UnreadableError(message)
        unseen = column.kind == "categorical" and value is not None and value not in column.categories
        if unseen and self._reject_unseen:
            raise UnreadableError(
                f"{_show(str(value))!r} is a category that training never saw, which the model's policy "
                "rejects"
            )
        return value


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


def _number_problem(value: float) -> str | None:
    if not -LARGEST_NUMBER <= value <= LARGEST_NUMBER:
        finite = isinstance(value, int) or math.isfinite(value)
        return (
            f"must be a number from {-LARGEST_NUMBER:g} to {LARGEST_NUMBER:g}"
            if finite
            else "must be a finite number"
        )
    return None


def _text_problem(value: Any, longest: int) -> str | None:
    if not isinstance(value, str):
        return f"must be text, not {kind_of(value)}"
    if len(value) > longest:
        return f"has {len(value)} characters; at most {longest} are accepted"
    if not _is_unicode(value):
        return "contains half a character (a lone surrogate), which is not valid Unicode"
    return None


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


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

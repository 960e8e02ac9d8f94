"""An uploaded CSV file, split into the inputs of a model: what its cells mean is read where the model is."""

import csv
import io
import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from streamlit_ui.forms import Field
from streamlit_ui.text import listing, number, plural, shorten

_DELIMITERS = ",;\t|"
_BINARY = frozenset(map(chr, {*range(32)} - {*b"\t\n\v\f\r\x1a\x1b\x1c\x1d\x1e\x1f"}))
"""Characters that are common in images and programs, and absent from tables."""
_SAMPLED = 100_000
_NAMED = 8
"""How many columns a message names at most."""


class UnreadableTable(Exception):
    """The file is not a table, or not one for this model: says what to do."""


@dataclass(frozen=True)
class Table:
    """A CSV file's header and rows, as text."""

    header: list[str]
    rows: list[list[str]]
    delimiter: str
    encoding: str


@dataclass(frozen=True)
class Match:
    """Which column of a table feeds which field of a model."""

    columns: dict[str, int]
    """Field name → position in the table."""
    unused: list[str]
    """Columns that the model does not take: they are kept in the output."""
    absent: list[str]
    """Fields without a column: they count as missing."""


@dataclass(frozen=True)
class Row:
    """One input, with its number in the file: 1 is the first row below the header."""

    number: int
    inputs: dict[str, str | None]
    """Each cell as the file writes it; none for an empty one."""


@dataclass(frozen=True)
class Fault:
    """Why a row was not predicted."""

    row: int
    field: str
    value: str
    message: str


def read_table(content: bytes, max_rows: int) -> Table:
    """Read a CSV file of any common delimiter and encoding."""
    text, encoding = _decode(content)
    lines = text.splitlines()
    if not any(line.strip() for line in lines):
        raise UnreadableTable("The file is empty.")
    delimiter = _delimiter(lines)
    try:
        # `strict` turns a quote that is never closed into an error instead of one giant cell.
        rows = [
            row for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True) if row
        ]
    except csv.Error as error:
        raise UnreadableTable(
            'The file cannot be read as CSV: a cell opens with a quotation mark (") that is never closed.'
        ) from error
    header = [name.strip() for name in rows[0]]
    body = [row for row in rows[1:] if any(cell.strip() for cell in row)]
    if not body:
        raise UnreadableTable("The file has a header but no rows below it.")
    if len(body) > max_rows:
        raise UnreadableTable(
            f"The file has {number(len(body))} rows; at most {number(max_rows)} are accepted. Split it."
        )
    return Table(header, body, delimiter, encoding)


def match_header(header: Sequence[str], fields: Sequence[Field]) -> Match:
    """Find each field's column by its exact name, or by its name in the training file.

    Of what is left, ignore case and whether `-`, `_` or a space joins the words: `Hours per week` is
    `hours-per-week`, unless that leaves a choice.
    """
    columns: dict[str, int] = {}
    sources = {field.name: field.source for field in fields if field.source}
    for spelled in (str, _key):
        for sought in ({field.name: field.name for field in fields}, sources):
            columns |= _matches(header, sought, columns, spelled)
    absent = [field for field in fields if field.name not in columns]
    if not columns:
        raise UnreadableTable(
            "None of the columns is known to this model. The first line must name columns of the model: "
            f"{_enumerate([field.name for field in fields])}."
        )
    if required := [field.name for field in absent if field.required]:
        raise UnreadableTable(f"The file lacks {_enumerate(required)}, which the model requires.")
    used = set(columns.values())
    unused = [name for position, name in enumerate(header) if position not in used]
    return Match(columns, unused, [field.name for field in absent])


def _matches(
    header: Sequence[str], sought: Mapping[str, str], columns: dict[str, int], spelled: Callable[[str], str]
) -> dict[str, int]:
    """Return the columns of the fields that have none yet, where the spelling says which is whose."""
    free: dict[str, list[int]] = defaultdict(list)
    for position, name in enumerate(header):
        if position not in columns.values():
            free[spelled(name)].append(position)
    open_fields: dict[str, list[str]] = defaultdict(list)
    for field, name in sought.items():
        if field not in columns:
            open_fields[spelled(name)].append(field)
    found: dict[str, int] = {}
    for spelling, names in open_fields.items():
        positions = free.get(spelling, [])
        if len(positions) > 1 or (positions and len(names) > 1):
            given = list(dict.fromkeys(header[position] for position in positions))
            more = " more than once" if len(given) < len(positions) else ""
            raise UnreadableTable(
                f"The header names {_enumerate(given)}{more}, and the model takes {_enumerate(names)}. "
                "Name each column as the model does, once."
            )
        if positions:
            found[names[0]] = positions[0]
    return found


def rows_of(table: Table, match: Match) -> tuple[list[Row], list[Fault]]:
    """Return the rows as a model takes them, and those that are not as wide as the header."""
    good: list[Row] = []
    faults: list[Fault] = []
    for position, cells in enumerate(table.rows, start=1):
        if len(cells) != len(table.header):
            counts = f"has {plural(len(cells), 'cell')}, but the header has {len(table.header)}"
            faults.append(Fault(position, "", shorten(table.delimiter.join(cells), 80), counts))
            continue
        inputs = {name: cells[place].strip() or None for name, place in match.columns.items()}
        good.append(Row(position, inputs))
    return good, faults


def _decode(content: bytes) -> tuple[str, str]:
    if content[:4] == b"PK\x03\x04":
        raise UnreadableTable(
            "This is a spreadsheet or an archive. Please save the table as CSV and upload that."
        )
    encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        encoding = "cp1252"
        text = content.decode(encoding, errors="replace")
    unlikely = _BINARY if encoding == "cp1252" else "\x00"
    if any(character in unlikely for character in text[:_SAMPLED]):
        raise UnreadableTable("This is not a text file. Please upload a table saved as CSV.")
    return text, encoding.removesuffix("-sig")


def _delimiter(lines: Sequence[str]) -> str:
    """Return what separates the header best: the sniffer of the standard library guesses letters at times."""
    header = re.sub(r'"[^"]*"', "", next(line for line in lines if line.strip()))
    return max(_DELIMITERS, key=header.count)


def _key(name: str) -> str:
    return re.sub(r"[\s_.-]+", "-", name.strip().strip("\ufeff").casefold())


def _enumerate(names: Sequence[str]) -> str:
    shown = [f"“{shorten(name, 40)}”" for name in names[:_NAMED]]
    return listing([*shown, f"{len(names) - _NAMED} more"] if len(names) > _NAMED else shown)

"""What every reader of uploaded files shares: how a file was read, and what its columns may be called."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import pyarrow as pa

from data_processor.datasets.reading.refusals import RefusedFileError, shown
from data_processor.features.numerals import Mark
from data_processor.features.packing import text as written

Format = Literal["csv", "parquet", "xlsx", "json"]
Value = bool | int | str | None
"""What is said of a file in a field of the form."""
MAX_COLUMNS = 1000
"""PostgreSQL takes 1600 in a table; nobody confirms more than these by hand."""
MAX_NAME_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class Hints:
    """What the person says about a file, instead of having it guessed."""

    delimiter: str | None = None
    encoding: str | None = None
    decimal: Literal[".", ","] | None = None
    header: bool | None = None
    skip_rows: int | None = None
    """Rows above the table, as an editor or a spreadsheet program counts them."""
    skip_footer: int | None = None
    """Rows below the table."""
    index: Literal["keep", "drop"] | None = None
    """What is done with row labels: a first column without a name, or the index of a data frame in JSON."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Another way to read the file: a field of the form, and the value with which it is read so."""

    field: str
    taken: Value
    """The value that this reading was given; None if it was detected."""
    value: Value
    """The value for the other reading; None to have it detected."""
    label: str
    """What the other reading does, as an order."""


@dataclass(slots=True)
class Source:
    """How a file was read, to be shown to whoever sent it."""

    format: Format
    header: bool = True
    encoding: str | None = None
    delimiter: str | None = None
    decimal: Mark | None = None
    notes: list[str] = field(default_factory=list)
    """What was recognised and what was left out, a sentence each."""
    choices: list[Choice] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        return asdict(self)


def check_names(names: Sequence[str]) -> None:
    """Raise `RefusedFileError` for columns that are too few, too many, unnamed or named alike."""
    if len(names) == 1:
        raise RefusedFileError(
            "The file has only one column; a table to learn from needs at least one input and a target. "
            "If its columns are separated by an unusual character, give it in the field delimiter."
        )
    check_width(len(names))
    seen: dict[str, int] = {}
    for number, name in enumerate(names, 1):
        if not name:
            raise RefusedFileError(
                f"Column {number} has no name in the header: give it one. If the names stand further down, "
                "send the number of rows above them as skip_rows; if there are none, send header=false."
            )
        if len(name) > MAX_NAME_CHARACTERS:
            raise RefusedFileError(
                f"The name of column {number}, {shown(name)}, has {len(name)} characters; "
                f"at most {MAX_NAME_CHARACTERS} are allowed. If that is not a header, send header=false."
            )
        if "\0" in name or name.startswith("loopkeeper:"):
            raise RefusedFileError(f"A column cannot be called {shown(name)}: rename it.")
        if name in seen:
            raise RefusedFileError(
                f"Columns {seen[name]} and {number} have the same name {shown(name)}: rename one of them."
            )
        seen[name] = number


def check_width(columns: int) -> None:
    """Raise `RefusedFileError` for too many columns."""
    if columns > MAX_COLUMNS:
        raise RefusedFileError(
            f"The file has {columns} columns; at most {MAX_COLUMNS} are allowed. Leave some out."
        )


def check_rows(rows: int) -> None:
    """Raise `RefusedFileError` for a table without rows."""
    if rows == 0:
        raise RefusedFileError("The file is empty: there is no row below the header.")


def array_of(values: Iterable[Any], kind: pa.DataType) -> pa.Array:
    """Return values as a column of a type: as texts if that is what it is."""
    if pa.types.is_string(kind):
        return pa.array([None if value is None else written(value) for value in values], kind)
    return pa.array(values, kind)

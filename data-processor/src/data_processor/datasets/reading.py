"""Any uploaded file as one Parquet file of typed columns, a few thousand rows in memory at a time.

CSV      ── texts, to learn what they mean; texts again, to write that ────────▶ Parquet
XLSX     ── rows, to learn the types; rows again, to write them ───────────────▶ Parquet
JSON     ── the same ──────────────────────────────────────────────────────────▶ Parquet
Parquet  ── batches, in the few types that everything downstream knows ────────▶ Parquet
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa

from data_processor.datasets.refusals import RefusedFileError, shown

Format = Literal["csv", "parquet", "xlsx", "json"]
MAX_COLUMNS = 1000
"""PostgreSQL takes 1600 in a table; a model of more than these is none that people confirm by hand."""
MAX_NAME_CHARACTERS = 200
_EXTENSIONS: dict[str, Format] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".tab": "csv",
    ".txt": "csv",
    ".data": "csv",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".xlsx": "xlsx",
    ".xlsm": "xlsx",
    ".json": "json",
    ".jsonl": "json",
    ".ndjson": "json",
}
_FOREIGN = {
    b"\x1f\x8b": "a gzip archive: unpack it first",
    b"\xd0\xcf\x11\xe0": "an old or encrypted Excel file: save it as XLSX without a password",
    b"%PDF": "a PDF: export the table as CSV",
    b"SQLite format 3": "an SQLite database: export the table as CSV",
    b"BZh": "a bzip2 archive: unpack it first",
    b"\x28\xb5\x2f\xfd": "a zstd archive: unpack it first",
    b"7z\xbc\xaf": "a 7-Zip archive: unpack it first",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
}


@dataclass(frozen=True, slots=True)
class Hints:
    """What the person says of a CSV, instead of having it guessed."""

    delimiter: str | None = None
    encoding: str | None = None
    decimal: Literal[".", ","] | None = None
    header: bool | None = None


@dataclass(slots=True)
class Source:
    """How a file was read, to be shown to whoever sent it."""

    format: Format
    header: bool = True
    encoding: str | None = None
    delimiter: str | None = None
    decimal: str | None = None
    notes: list[str] = field(default_factory=list)
    """What was left out."""

    def as_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        return asdict(self)


def read_file(source: Path, filename: str, target: Path, hints: Hints) -> Source:
    """Write a file's table to `target` as Parquet; return how it was read. Raises `RefusedFileError`."""
    # Each reader is imported when it is needed: together they take a second.
    form = find_format(source, filename)
    if form == "parquet":
        from data_processor.datasets.parquet import read_parquet  # noqa: PLC0415

        return read_parquet(source, target)
    if form == "xlsx":
        from data_processor.datasets.spreadsheets import read_xlsx  # noqa: PLC0415

        return read_xlsx(source, target, hints)
    if form == "json":
        from data_processor.datasets.documents import read_json  # noqa: PLC0415

        return read_json(source, target)
    from data_processor.datasets.delimited import read_delimited  # noqa: PLC0415

    return read_delimited(source, target, hints)


def find_format(source: Path, filename: str) -> Format:
    """Return what a file is by its content; raises `RefusedFileError` if its name says something else."""
    with source.open("rb") as file:
        head = file.read(4096)
    if not head.strip():
        raise RefusedFileError("The file is empty: there is nothing in it.")
    for start, what in _FOREIGN.items():
        if head.startswith(start):
            raise RefusedFileError(f"The file is {what}; a dataset is CSV, Parquet, XLSX or JSON.")
    extension = Path(filename).suffix.lower()
    said = _EXTENSIONS.get(extension)
    if extension and said is None:
        raise RefusedFileError(
            f"The file's name ends in {shown(extension)}; a dataset is a .csv, .parquet, .xlsx or .json file."
        )
    found: Format | None = None
    if head.startswith(b"PAR1"):
        found = "parquet"
    elif head.startswith(b"PK"):
        found = "xlsx"
    elif said != "csv" and head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"{", b"["):
        found = "json"
    binary = said in ("parquet", "xlsx")
    if (found in ("parquet", "xlsx") or binary) and said is not None and found != said:
        actual = f"a {found.upper()} file" if found else "none"
        raise RefusedFileError(
            f"The file's name ends in {shown(extension)}, but by its content it is {actual}: "
            "check that it is the right file and whole, and give it the right ending."
        )
    if said == "json" and found != "json":
        raise RefusedFileError(
            f"The file's name ends in {shown(extension)}, but its content is no JSON: "
            "it has to begin with [ or {."
        )
    return found or said or "csv"


def check_names(names: Sequence[str]) -> None:
    """Raise `RefusedFileError` for columns that are too few, too many, unnamed or named alike."""
    if len(names) == 1:
        raise RefusedFileError(
            "The file has one column; a table to learn from has at least one input and a target. "
            "If its columns are separated by something unusual, say by what in the field delimiter."
        )
    check_width(len(names))
    seen: dict[str, int] = {}
    for number, name in enumerate(names, 1):
        if not name:
            raise RefusedFileError(f"Column {number} has no name in the header: give it one.")
        if len(name) > MAX_NAME_CHARACTERS:
            raise RefusedFileError(
                f"The name of column {number}, {shown(name)}, has {len(name)} characters; "
                f"at most {MAX_NAME_CHARACTERS} are possible. If that is no header, send header=false."
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
            f"The file has {columns} columns; at most {MAX_COLUMNS} are possible. Leave some out."
        )


def check_rows(rows: int) -> None:
    """Raise `RefusedFileError` for a table without rows."""
    if rows == 0:
        raise RefusedFileError("The file is empty: there is no row below the header.")


def array_of(values: Iterable[Any], kind: pa.DataType) -> pa.Array:
    """Return values as a column of a type: as texts if that is what it is."""
    if pa.types.is_string(kind):
        return pa.array([None if value is None else str(value) for value in values], kind)
    return pa.array(values, kind)

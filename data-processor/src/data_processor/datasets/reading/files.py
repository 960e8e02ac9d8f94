"""Any uploaded file as one Parquet file of typed columns, a few thousand rows in memory at a time.

CSV      ── texts, to learn what they mean; texts again, to write that ────────▶ Parquet
XLSX     ── rows, to learn the types; rows again, to write them ───────────────▶ Parquet
JSON     ── the same ──────────────────────────────────────────────────────────▶ Parquet
Parquet  ── batches, in the few types that everything downstream knows ────────▶ Parquet
"""

import codecs
from pathlib import Path

from data_processor.datasets.reading.refusals import RefusedFileError, shown
from data_processor.datasets.reading.source import Format, Hints, Source

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


def read_file(source: Path, filename: str, target: Path, hints: Hints) -> Source:
    """Write a file's table to `target` as Parquet; return how it was read. Raises `RefusedFileError`."""
    # Each reader is imported when it is needed: together they take a second.
    form = find_format(source, filename)
    if form == "parquet":
        from data_processor.datasets.reading.parquet import read_parquet  # noqa: PLC0415

        return read_parquet(source, target)
    if form == "xlsx":
        from data_processor.datasets.reading.spreadsheets import read_xlsx  # noqa: PLC0415

        return read_xlsx(source, target, hints)
    if form == "json":
        from data_processor.datasets.reading.documents import read_json  # noqa: PLC0415

        return read_json(source, target, hints)
    from data_processor.datasets.reading.delimited import read_delimited  # noqa: PLC0415

    return read_delimited(source, target, hints)


def find_format(source: Path, filename: str) -> Format:
    """Return what a file is by its content; raises `RefusedFileError` if its name says something else."""
    with source.open("rb") as file:
        head = file.read(4096)
    if not head.strip():
        raise RefusedFileError("The file is empty.")
    for start, what in _FOREIGN.items():
        if head.startswith(start):
            raise RefusedFileError(f"The file is {what}; a dataset is CSV, Parquet, XLSX or JSON.")
    extension = Path(filename).suffix.lower()
    named = _EXTENSIONS.get(extension)
    if extension and named is None:
        raise RefusedFileError(
            f"The file's name ends in {shown(extension)}; a dataset is a .csv, .parquet, .xlsx or .json file."
        )
    found: Format | None = None
    if head.startswith(b"PAR1"):
        found = "parquet"
    elif head.startswith(b"PK"):
        found = "xlsx"
    elif named != "csv" and _begins_as_json(head):
        found = "json"
    binary = named in ("parquet", "xlsx")
    if (found in ("parquet", "xlsx") or binary) and named is not None and found != named:
        actual = found.upper() if found else f"not {named.upper()}"
        raise RefusedFileError(
            f"The file's name ends in {shown(extension)}, but its content is {actual}: "
            "check that it is the right file and complete, and give it the right extension."
        )
    if named == "json" and found != "json":
        raise RefusedFileError(
            f"The file's name ends in {shown(extension)}, but its content is not JSON: "
            "JSON begins with [ or {."
        )
    return found or named or "csv"


def _begins_as_json(head: bytes) -> bool:
    """Tell whether the first character is one that a JSON document begins with, in whatever Unicode."""
    for mark in (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        head = head.removeprefix(mark)
    return head.replace(b"\0", b"").lstrip()[:1] in (b"{", b"[")

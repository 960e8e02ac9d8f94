"""XLSX, unpacked only after its size is known: a small file may unpack to more than any disk holds."""

import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from data_processor.datasets.reading.dialects import made_up_names
from data_processor.datasets.reading.records import Row, plain, write_rows
from data_processor.datasets.reading.refusals import RefusedFileError
from data_processor.datasets.reading.source import Hints, Source, check_width

MAX_UNPACKED_BYTES = 1024 * 1024 * 1024
MAX_RATIO = 200
"""Real sheets shrink to a tenth or a fiftieth; what shrinks further is made to harm."""
RATIO_FROM_BYTES = 16 * 1024 * 1024
MAX_TEXTS_BYTES = 256 * 1024 * 1024
"""The texts of a workbook are one list that has to be in memory."""
MAX_MEMBERS = 5000
_HEADER_ROWS = 20


def read_xlsx(source: Path, target: Path, hints: Hints) -> Source:
    """Write the first sheet of a workbook to `target` as Parquet. Raises `RefusedFileError`."""
    check_archive(source)
    import openpyxl  # noqa: PLC0415  # a quarter of a second
    from openpyxl.utils.exceptions import InvalidFileException  # noqa: PLC0415

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about styles and extensions that do not concern us
            # It decides by a path's extension, and ours has none.
            with source.open("rb") as file:
                book = openpyxl.load_workbook(file, read_only=True, data_only=True, keep_links=False)
                return _read_book(book, target, hints)
    except (InvalidFileException, zipfile.BadZipFile, KeyError, SyntaxError, EOFError) as error:
        # The parser of XML raises subclasses of SyntaxError.
        raise _damaged() from error
    except ValueError as error:
        if isinstance(error, RefusedFileError):
            raise
        raise _damaged() from error


def check_archive(source: Path) -> None:
    """Raise `RefusedFileError` for an archive that is not a workbook, or that unpacks to too much."""
    try:
        with zipfile.ZipFile(source) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise _damaged() from error
    unpacked, packed = sum(m.file_size for m in members), sum(m.compress_size for m in members)
    texts = sum(m.file_size for m in members if m.filename.endswith("sharedStrings.xml"))
    names = {member.filename for member in members}
    bomb = unpacked > RATIO_FROM_BYTES and unpacked > MAX_RATIO * max(packed, 1)
    if bomb or unpacked > MAX_UNPACKED_BYTES or texts > MAX_TEXTS_BYTES or len(members) > MAX_MEMBERS:
        raise RefusedFileError(
            f"The workbook unpacks to {unpacked // 1024 // 1024} MB from {packed // 1024} KB, "
            "more than this platform unpacks: export the sheet as CSV or Parquet."
        )
    if "xl/workbook.xml" not in names:
        raise RefusedFileError("The file is a ZIP archive, not an XLSX workbook: unpack it first.")
    if any(member.flag_bits & 1 for member in members):
        raise RefusedFileError("The workbook is protected by a password: save it without one.")


def _damaged() -> RefusedFileError:
    return RefusedFileError("The workbook cannot be read: it is damaged, or not XLSX. Save it again.")


def _read_book(book: Any, target: Path, hints: Hints) -> Source:
    sheets = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"] or book.worksheets
    for sheet in sheets:
        sheet.reset_dimensions()  # what a sheet says of its own size may be wrong
    filled = next((sheet for sheet in sheets if any(_rows(sheet))), None)
    if filled is None:
        raise RefusedFileError("The workbook is empty: no sheet has a row.")
    width = 0
    head: list[Row] = []
    for row in _rows(filled):
        width = max(width, len(row))
        check_width(width)
        if len(head) < _HEADER_ROWS:
            head.append(row)
    header = hints.header if hints.header is not None else all(isinstance(v, str) for v in head[0])
    names = [str(value).strip() if value is not None else "" for value in head[0]]
    if header:
        names += [""] * (width - len(names))

    def rows() -> Iterator[Row]:
        for number, row in enumerate(_rows(filled)):
            if number or not header:
                yield [*row, *[None] * (width - len(row))]

    write_rows(names if header else made_up_names(width), rows, target)
    others = len(book.worksheets) - 1
    notes = [f"Only the sheet {filled.title!r} was read; {others} more were left out."] if others else []
    return Source("xlsx", header, notes=notes)


def _rows(sheet: Any) -> Iterator[Row]:
    """Yield the rows of a sheet that hold anything, without the empty cells behind the last full one."""
    for cells in sheet.iter_rows(values_only=True):
        row = [plain(value) for value in cells]
        while row and row[-1] is None:
            row.pop()
        if row:
            yield row

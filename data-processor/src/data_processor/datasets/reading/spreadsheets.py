"""XLSX, unpacked only after its size is known: a small file may unpack to more than any disk holds."""

import tempfile
import warnings
import zipfile
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

from data_processor.datasets.reading.kept_rows import keep, kept_rows
from data_processor.datasets.reading.kinds import Row
from data_processor.datasets.reading.naming import keep_columns
from data_processor.datasets.reading.records import in_batches, write_rows
from data_processor.datasets.reading.refusals import RefusedFileError, counted, shown
from data_processor.datasets.reading.source import Hints, Source
from data_processor.datasets.reading.structure import Numbered, Structure, find_structure

MAX_UNPACKED_BYTES = 1024 * 1024 * 1024
MAX_RATIO = 200
"""Real sheets shrink to a tenth or a fiftieth; what shrinks further is made to harm."""
RATIO_FROM_BYTES = 16 * 1024 * 1024
MAX_TEXTS_BYTES = 256 * 1024 * 1024
"""The texts of a workbook are one list that has to be in memory."""
MAX_PART_BYTES = 8 * 1024 * 1024
"""So have its styles and its lists of sheets; what is larger describes no table."""
MAX_MEMBERS = 5000
_PARTS = ("xl/styles.xml", "xl/workbook.xml", "xl/theme/", "xl/_rels/", "docProps/", "[Content_Types].xml")
_HEAD_ROWS = 200
_LAST_ROWS = 100
_BATCH_ROWS = 1000


def read_xlsx(source: Path, target: Path, hints: Hints) -> Source:
    """Write the first sheet of a workbook to `target` as Parquet. Raises `RefusedFileError`."""
    check_archive(source)
    import openpyxl  # noqa: PLC0415  # a quarter of a second
    from openpyxl.utils.exceptions import InvalidFileException  # noqa: PLC0415

    try:
        with warnings.catch_warnings(), tempfile.TemporaryFile(dir=target.parent) as kept:
            warnings.simplefilter("ignore")  # about styles and extensions that do not concern us
            # It decides by a path's extension, and ours has none.
            with source.open("rb") as file:
                book = openpyxl.load_workbook(file, read_only=True, data_only=True, keep_links=False)
                return _read_book(book, kept, target, hints)
    except (InvalidFileException, zipfile.BadZipFile, KeyError, SyntaxError, EOFError, IndexError) as error:
        # The parser of XML raises subclasses of SyntaxError.
        raise _damaged() from error
    except (ValueError, TypeError) as error:
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
    for member in members:
        if member.filename.startswith(_PARTS) and member.file_size > MAX_PART_BYTES:
            raise RefusedFileError(
                f"{shown(member.filename)} in the workbook unpacks to {member.file_size // 1024**2} MB; at "
                f"most {MAX_PART_BYTES // 1024**2} MB of it are read: export the sheet as CSV or Parquet."
            )
    if "xl/workbook.xml" not in names:
        raise RefusedFileError("The file is a ZIP archive, not an XLSX workbook: unpack it first.")
    if any(member.flag_bits & 1 for member in members):
        raise RefusedFileError("The workbook is protected by a password: save it without one.")


def _damaged() -> RefusedFileError:
    return RefusedFileError("The workbook cannot be read: it is damaged, or not XLSX. Save it again.")


def _read_book(book: Any, kept: IO[bytes], target: Path, hints: Hints) -> Source:
    sheets = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"] or book.worksheets
    for sheet in sheets:
        seen = _Seen()
        for batch in in_batches(_rows_of(sheet, seen), _BATCH_ROWS):
            keep(batch, kept)
        if seen.head:
            break
    else:
        raise RefusedFileError("The workbook is empty: no sheet has a row.")
    found = find_structure(seen.wide_head(), seen.last_rows, hints)
    columns = keep_columns(found.names, *seen.columns(found), hints)

    def rows() -> Iterator[Row]:
        left = seen.rows - len(found.footer)
        for number, row in kept_rows(kept):
            left -= 1
            if left < 0:
                return
            if number > found.first or (number == found.first and not found.header):
                yield [row[place] if place < len(row) else None for place in columns.places]

    write_rows(columns.names, rows, target)
    others = len(book.worksheets) - 1
    notes = [f"Only the sheet {sheet.title!r} was read; {others} more were left out."] if others else []
    notes += [*found.notes, *columns.notes, *seen.oddities(found.names)]
    return Source("xlsx", found.header, notes=notes, choices=[*found.choices, *columns.choices])


class _Seen:
    """What is to be known of all rows of a sheet before any is written."""

    def __init__(self) -> None:
        from data_processor.datasets.reading.sheet_rows import Oddities  # noqa: PLC0415  # with openpyxl

        self.odd = Oddities()
        self.rows = 0
        self.width = 0
        self.head: list[Numbered] = []
        self._last: deque[Numbered] = deque(maxlen=_LAST_ROWS)
        self._known: Counter[int] = Counter()
        self._whole: Counter[int] = Counter()

    def take(self, number: int, row: Sequence[Any]) -> None:
        """Take a row into account."""
        self.rows += 1
        self.width = max(self.width, len(row))
        if len(self.head) < _HEAD_ROWS:
            self.head.append((number, row))
        self._last.append((number, row))
        self._count(row, 1)

    def wide_head(self) -> list[Numbered]:
        """Return the first rows, all of the same width."""
        return [(number, self._wide(row)) for number, row in self.head]

    def last_rows(self, above: int) -> list[Row]:
        """Return the last rows below one."""
        return [self._wide(row) for number, row in self._last if number > above]

    def columns(self, found: Structure) -> tuple[list[bool], list[bool]]:
        """Return which columns hold anything in the rows of the table, and which only whole numbers."""
        for number, row in self.head:
            if number < found.first or (number == found.first and found.header):
                self._count(row, -1)
        for row in found.footer:
            self._count(row, -1)
        places = range(self.width)
        whole = [0 < self._known[place] == self._whole[place] for place in places]
        return [self._known[place] > 0 for place in places], whole

    def oddities(self, names: Sequence[str]) -> list[str]:
        """Say which columns hold errors, and formulas without a value."""
        called = {place: f"Column {shown(name) if name else place + 1}" for place, name in enumerate(names)}
        errors, formulas = self.odd.errors, self.odd.formulas
        said = [
            f"{called[place]} holds {counted(errors[place], 'error')} such as {self.odd.codes[place]}: "
            "read as missing."
            for place in sorted(errors.keys() & called.keys())
        ]
        return said + [
            f"{called[place]} holds {counted(formulas[place], 'formula')} without a stored value: read as "
            "missing. Open the file in a spreadsheet program and save it there, so that it computes them."
            for place in sorted(formulas.keys() & called.keys())
        ]

    def _count(self, row: Row, times: int) -> None:
        for place, value in enumerate(row):
            if value is not None:
                self._known[place] += times
                if type(value) is int:
                    self._whole[place] += times

    def _wide(self, row: Row) -> Row:
        return [*row, *[None] * (self.width - len(row))]


def _rows_of(sheet: Any, seen: _Seen) -> Iterator[Numbered]:
    from data_processor.datasets.reading.sheet_rows import SheetRows  # noqa: PLC0415  # with openpyxl

    with sheet._get_source() as source:  # noqa: SLF001  # the library reads rows its own way only
        for number, row in SheetRows(sheet, source, seen.odd).rows():
            seen.take(number, row)
            yield number, row

"""The rows of one sheet of a workbook, each cell as its value, one row in memory at a time."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from openpyxl.cell.cell import ERROR_CODES
from openpyxl.worksheet._reader import FORMULA_TAG, ROW_TAG, WorkSheetParser
from openpyxl.xml.functions import iterparse

from data_processor.datasets.reading.records import plain
from data_processor.datasets.reading.refusals import RefusedFileError
from data_processor.datasets.reading.source import check_width

MAX_ROWS = 1_048_576
"""As many as a spreadsheet program has."""
_NOT_AVAILABLE = "#N/A"
"""An error, but also how a person says on purpose that a value is missing."""


@dataclass(slots=True)
class Oddities:
    """What cells hold instead of a value, by the place of their column."""

    errors: Counter[int] = field(default_factory=Counter)
    codes: dict[int, str] = field(default_factory=dict)
    """The first error of a column."""
    formulas: Counter[int] = field(default_factory=Counter)
    """Formulas whose value was not stored with them."""


class SheetRows(WorkSheetParser):  # type: ignore[misc]  # the library has no types
    """Reads the rows of a sheet as they come.

    The library's own loop makes up the rows that a sheet leaves out, and keeps what every row says of itself.
    """

    def __init__(self, sheet: Any, source: Any, found: Oddities) -> None:
        """Read from the open file of a sheet of a workbook; what is odd is added to `found`."""
        book = sheet.parent
        super().__init__(
            source,
            sheet._shared_strings,  # noqa: SLF001  # the library hands nothing of this out
            data_only=True,
            epoch=book.epoch,
            date_formats=book._date_formats,  # noqa: SLF001
            timedelta_formats=book._timedelta_formats,  # noqa: SLF001
        )
        self._found = found

    def rows(self) -> Iterator[tuple[int, list[Any]]]:
        """Yield the rows that hold anything, with their numbers, up to their last cell that does."""
        last = 0
        for _, element in iterparse(self.source):
            if element.tag != ROW_TAG:
                continue
            number, cells = self.parse_row(element)
            element.clear()
            self.row_dimensions.clear()
            if not last < number <= MAX_ROWS:
                raise RefusedFileError(
                    f"The workbook is damaged: row {number} follows row {last}, and a sheet has at most "
                    f"{MAX_ROWS} rows in their order. Save it again, or export the sheet as CSV."
                )
            last = number
            values = {cell["column"]: cell["value"] for cell in cells if cell["value"] is not None}
            if values:
                check_width(max(values))
                yield number, [values.get(column) for column in range(1, max(values) + 1)]

    def parse_cell(self, element: Any) -> dict[str, Any]:
        """Return a cell as the library does, its value as it is stored: none for an error."""
        cell: dict[str, Any] = super().parse_cell(element)
        place = cell["column"] - 1
        if cell["data_type"] == "e" or cell["value"] in ERROR_CODES:
            if cell["value"] != _NOT_AVAILABLE:
                self._found.errors[place] += 1
                self._found.codes.setdefault(place, str(cell["value"]))
            cell["value"] = None
        elif cell["value"] is None:
            if element.find(FORMULA_TAG) is not None:
                self._found.formulas[place] += 1
        else:
            cell["value"] = plain(cell["value"])
        return cell

"""Files of every format, read and refused, for the tests of several readers."""

import io
import tempfile
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data_processor.datasets.reading.files import read_file
from data_processor.datasets.reading.refusals import RefusedFileError
from data_processor.datasets.reading.source import Hints, Source
from data_processor.datasets.reading.texts import typed
from data_processor.datasets.readings import find_readings

Rows = list[dict[str, Any]]


def read(content: bytes, filename: str = "table.csv", **hints: Any) -> tuple[Rows, Source]:
    """Return the rows of a file, every cell as its proposed reading has it, and how the file was read."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "source", Path(folder) / "raw.parquet"
        source.write_bytes(content)
        found = read_file(source, filename, target, Hints(**hints))
        assert sorted(path.name for path in Path(folder).iterdir()) == ["raw.parquet", "source"]
        table = pq.read_table(target)
        columns = {
            name: typed(column, find_readings(column, found.decimal).first.reading)
            if pa.types.is_string(column.type)
            else column
            for name, column in zip(table.column_names, table.columns, strict=True)
        }
        return pa.table(columns).to_pylist(), found


def refusal(content: bytes, filename: str = "table.csv", **hints: Any) -> str:
    """Return why a file is refused."""
    with pytest.raises(RefusedFileError) as refused:
        read(content, filename, **hints)
    return str(refused.value)


def parquet(columns: dict[str, Any]) -> bytes:
    """Return a Parquet file."""
    file = io.BytesIO()
    pq.write_table(pa.table(columns), file)
    return file.getvalue()


def workbook(*sheets: list[list[Any]]) -> bytes:
    """Return an XLSX file."""
    book = openpyxl.Workbook()
    for number, rows in enumerate(sheets):
        sheet = book.active if number == 0 else book.create_sheet()
        assert sheet is not None
        for row in rows:
            sheet.append(row)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()

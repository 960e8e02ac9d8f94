"""The task of a child process that proposes what the columns of an uploaded file are."""

from dataclasses import asdict
from typing import Any

import pyarrow.parquet as pq

from data_processor.datasets.data_quality import find_warnings
from data_processor.datasets.doubts import find_doubts
from data_processor.datasets.duplicates import find_repeated
from data_processor.datasets.folder import RAW_FILE, SOURCE_FILE
from data_processor.datasets.profile import likely_target, read_columns
from data_processor.datasets.reading.files import read_file
from data_processor.datasets.reading.refusals import TOO_MUCH_MEMORY, RefusedFileError
from data_processor.datasets.reading.source import Hints
from data_processor.features.schema import Column
from data_processor.runs.context import TaskContext


def propose(
    context: TaskContext, filename: str, hints: dict[str, Any], known: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Read the file in this child's folder; return what its columns seem to be, or what is wrong with it.

    `known` are the columns of the dataset's last file, by their names in it.
    """
    before = {name: Column.model_validate(column) for name, column in (known or {}).items()}
    try:
        return _proposal(context, filename, hints, before)
    except RefusedFileError as refused:
        return {"refused": str(refused), "field": refused.field}
    except MemoryError:
        return {"refused": TOO_MUCH_MEMORY, "field": "file"}


def _proposal(
    context: TaskContext, filename: str, hints: dict[str, Any], before: dict[str, Column]
) -> dict[str, Any]:
    raw = context.path(RAW_FILE)
    source = read_file(context.path(SOURCE_FILE), filename, raw, Hints(**hints))
    columns = read_columns(raw, source.decimal, before)
    with pq.ParquetFile(raw) as file:
        rows = file.metadata.num_rows
    target, repeated = likely_target(columns), int(find_repeated(raw).sum())
    return {
        "rows": rows,
        "repeated": repeated,
        "columns": [asdict(column) for column in columns],
        "target": target,
        "warnings": [*find_doubts(columns), *find_warnings(raw, columns, target, rows, repeated)],
        "source": source.as_json(),
        "file": {"name": filename, "hints": hints},
    }

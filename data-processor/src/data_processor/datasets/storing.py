"""The steps that make a version out of a confirmed upload: prepare it, DVC, the warehouse."""

from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import select

from data_processor.database import DatasetRow, DatasetUploadRow, ModelRow, RunRow
from data_processor.datasets.confirmation import Confirmed, ConfirmedColumn
from data_processor.datasets.inference import infer_schema
from data_processor.datasets.profile import ColumnFacts
from data_processor.datasets.proposing import RAW_FILE
from data_processor.datasets.schema import Schema
from data_processor.datasets.suspicions import look_for
from data_processor.datasets.tables import PROVENANCE
from data_processor.datasets.warehouse import Warehouse
from data_processor.serving.packing import MISSING, text
from data_processor.training.plan import open_store
from data_processor.training.workbench import TaskError, Workbench

PREPARED_FILE = "prepared.parquet"
FOUND = "found.json"
SCHEMA = "schema.json"
_BATCH_ROWS = 10_000


def prepare(bench: Workbench) -> dict[str, Any]:
    """Make the table that was confirmed out of the one that was uploaded, and learn its schema."""
    upload, confirmed, facts = _asked(bench)
    raw = _raw(bench, upload)
    frame = confirmed_table(pd.read_parquet(raw, engine="pyarrow"), confirmed, facts)
    kinds = {column.name: column.kind for column in confirmed.columns.values()}
    schema = infer_schema(frame, confirmed.target, task=confirmed.task, kinds=kinds)
    _check_classes(bench, upload.dataset, schema)
    target = next(name for name, column in confirmed.columns.items() if column.name == confirmed.target)
    bench.write(PREPARED_FILE, lambda path: frame.to_parquet(path, engine="pyarrow", index=False))
    bench.write(SCHEMA, lambda path: path.write_text(schema.model_dump_json()))
    bench.write_json(
        FOUND,
        {
            "rows": len(frame),
            "task": schema.task,
            "classes": _counts(frame[confirmed.target]) if schema.classes else {},
            "warnings": look_for(raw, facts, target, upload.proposal["rows"]),
        },
    )
    bench.log.say(f"{len(frame)} of {upload.proposal['rows']} rows, {len(schema.columns)} columns.")
    return {}


def version(bench: Workbench) -> dict[str, Any]:
    """Make the prepared table the dataset's next version; repeating it makes no other."""
    upload, _, _ = _asked(bench)
    frame = pd.read_parquet(bench.path(PREPARED_FILE), engine="pyarrow")
    schema = Schema.model_validate(bench.read_json(SCHEMA))
    made = open_store(bench).add_upload(upload.dataset, frame, schema, request=bench.log.run)
    bench.log.say(f"Version {made.version} of {made.dataset!r} ({made.revision}).")
    return {"row": {"dataset_version": made.version}}


def warehouse(bench: Workbench) -> dict[str, Any]:
    """Write the raw and the prepared table into the warehouse, in place of what is there of them."""
    upload, _, _ = _asked(bench)
    with bench.database.reading() as session:
        number = session.get_one(RunRow, bench.run).dataset_version or 0
    prepared = open_store(bench).read(upload.dataset, number).drop(columns=list(PROVENANCE))
    written = Warehouse(bench.settings.warehouse_url)
    try:
        with pq.ParquetFile(_raw(bench, upload)) as file:
            columns = [(field.name, str(field.type)) for field in file.schema_arrow]
            batches = file.iter_batches(_BATCH_ROWS)
            tables = [written.write(upload.dataset, number, "raw", columns, batches)]
        bench.log.progress(0.8)
        table = pa.Table.from_pandas(prepared, preserve_index=False)
        columns = [(field.name, str(field.type)) for field in table.schema]
        rows = table.to_batches(_BATCH_ROWS)
        tables.append(written.write(upload.dataset, number, "prepared", columns, rows))
    finally:
        written.close()
    bench.log.say(f"In the warehouse: {', '.join(tables)}.")
    return {"result": {"version": number, **bench.read_json(FOUND), "tables": tables}}


def _asked(bench: Workbench) -> tuple[DatasetUploadRow, Confirmed, list[ColumnFacts]]:
    """Return the upload that the run stores, what was confirmed of it, and what was found in it."""
    with bench.database.reading() as session:
        run = session.get_one(RunRow, bench.run)
        upload = session.get(DatasetUploadRow, run.options["upload"])
    if upload is None or upload.confirmed is None:
        raise TaskError("The dataset was deleted before it was stored.")
    facts = [ColumnFacts(**column) for column in upload.proposal["columns"]]
    return upload, Confirmed.model_validate(upload.confirmed), facts


def _raw(bench: Workbench, upload: DatasetUploadRow) -> Path:
    return bench.settings.uploads_dir / upload.id / RAW_FILE


def confirmed_table(frame: pd.DataFrame, confirmed: Confirmed, facts: list[ColumnFacts]) -> pd.DataFrame:
    """Return a table as it was confirmed: named, dates as ISO 8601, repeated rows left out if so wished."""
    if confirmed.preparation.drop_duplicates:
        frame = frame.drop_duplicates(ignore_index=True)
    known = {column.name: column for column in facts}
    columns = {
        column.name: _prepared(frame[name], column, known[name]) for name, column in confirmed.columns.items()
    }
    return pd.DataFrame(columns)


def _prepared(values: "pd.Series[Any]", column: ConfirmedColumn, facts: ColumnFacts) -> "pd.Series[Any]":
    if column.kind != "datetime":
        return values
    moments = pd.to_datetime(values, format=facts.date_format)
    days = bool((moments.dropna() == moments.dropna().dt.normalize()).all())
    return moments.dt.strftime("%Y-%m-%d" if days else "%Y-%m-%dT%H:%M:%S").astype("str")


def _check_classes(bench: Workbench, dataset: str, schema: Schema) -> None:
    """Raise `TaskError` if a model in use would meet classes it was not made for."""
    with bench.database.reading() as session:
        model = session.scalar(select(ModelRow.name).where(ModelRow.dataset == dataset))
        old = session.get_one(DatasetRow, dataset).schema
    if model is None or not old:
        return
    before = Schema.model_validate(old)
    if before.classes != schema.classes or before.task != schema.task:
        known, found = (", ".join(map(repr, s.classes)) or s.task for s in (before, schema))
        raise TaskError(
            f"Model {model!r} tells apart {known}, but the new file has {found}: "
            "correct the labels, or upload it as another dataset."
        )


def _counts(target: "pd.Series[Any]") -> dict[str, int]:
    counts = target.dropna().map(text).value_counts()
    return {str(label): int(times) for label, times in counts.items() if label != MISSING}

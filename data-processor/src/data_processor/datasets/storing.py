"""The task of a child that makes a version out of a confirmed upload: DVC first, then the warehouse."""

from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import select

from data_processor.database import DatasetRow, DatasetUploadRow, ModelRow
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

_BATCH_ROWS = 10_000


def store_upload(bench: Workbench, upload: str) -> dict[str, Any]:
    """Store a confirmed upload as its dataset's next version; repeating it makes no other."""
    with bench.database.reading() as session:
        row = session.get(DatasetUploadRow, upload)
        dataset = session.get(DatasetRow, row.dataset) if row is not None else None
    if row is None or dataset is None or row.confirmed is None:
        raise TaskError("The dataset was deleted before it was stored.")
    confirmed = Confirmed.model_validate(row.confirmed)
    raw = bench.path(RAW_FILE)
    facts = [ColumnFacts(**column) for column in row.proposal["columns"]]
    frame = prepare(pd.read_parquet(raw, engine="pyarrow"), confirmed, facts)
    kinds = {column.name: column.kind for column in confirmed.columns.values()}
    schema = infer_schema(frame, confirmed.target, task=confirmed.task, kinds=kinds)
    _check_classes(bench, row.dataset, schema)

    store = open_store(bench)
    version = store.add_upload(row.dataset, frame, schema, request=upload)
    prepared = store.read(row.dataset, version.version).drop(columns=list(PROVENANCE))
    warehouse = Warehouse(bench.settings.warehouse_url)
    try:
        with pq.ParquetFile(raw) as file:
            columns = [(field.name, str(field.type)) for field in file.schema_arrow]
            batches = file.iter_batches(_BATCH_ROWS)
            tables = [warehouse.write(row.dataset, version.version, "raw", columns, batches)]
        table = pa.Table.from_pandas(prepared, preserve_index=False)
        columns = [(field.name, str(field.type)) for field in table.schema]
        tables.append(
            warehouse.write(row.dataset, version.version, "prepared", columns, table.to_batches(_BATCH_ROWS))
        )
    finally:
        warehouse.close()
    target = next(name for name, column in confirmed.columns.items() if column.name == confirmed.target)
    return {
        "version": version.version,
        "rows": len(prepared),
        "task": schema.task,
        "classes": _counts(frame[confirmed.target]) if schema.classes else {},
        "warnings": look_for(raw, facts, target, row.proposal["rows"]),
        "tables": tables,
    }


def prepare(frame: pd.DataFrame, confirmed: Confirmed, facts: list[ColumnFacts]) -> pd.DataFrame:
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

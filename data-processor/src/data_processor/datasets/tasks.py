"""The steps that make a version from a confirmed upload: preparation, DVC, the warehouse."""

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from data_processor.datasets.batches import batches
from data_processor.datasets.confirmed import Confirmed
from data_processor.datasets.data_quality import find_warnings
from data_processor.datasets.duplicates import find_repeated
from data_processor.datasets.folder import RAW_FILE
from data_processor.datasets.inference import counts_of, infer_schema
from data_processor.datasets.preparing import as_confirmed, final_readings, task_for, write_confirmed
from data_processor.datasets.profile import ColumnFacts
from data_processor.datasets.rare_classes import rare_problem
from data_processor.datasets.repository import models_on
from data_processor.datasets.tables import ParquetColumns
from data_processor.datasets.version_store import open_version_store
from data_processor.datasets.warehouse import Part, Warehouse
from data_processor.features.schema import Schema
from data_processor.features.split import PROVENANCE
from data_processor.rows import DatasetRow, DatasetUploadRow, RunRow
from data_processor.runs.context import TaskContext, TaskError

PREPARED_FILE = "prepared.parquet"
FOUND = "found.json"
SCHEMA = "schema.json"
_PREPARED, _RAW_WRITTEN = 0.25, 0.75
"""How far a run is when the table is prepared, and when the raw one is in the warehouse."""


def prepare(context: TaskContext) -> dict[str, Any]:
    """Make the confirmed table from the uploaded one, and infer its schema."""
    upload, confirmed, facts = _asked(context)
    raw, rows = _raw(context, upload), upload.proposal["rows"]

    def tell(share: float) -> None:
        context.log.progress(_PREPARED * share)

    written = context.write(PREPARED_FILE, lambda path: write_confirmed(raw, path, confirmed, facts, tell))
    table = ParquetColumns(written)
    kinds = {column.name: column.kind for column in confirmed.columns.values()}
    schema = infer_schema(
        table, confirmed.target, task=task_for(confirmed, facts).description.task, kinds=kinds
    )
    schema = as_confirmed(schema, confirmed, final_readings(raw, confirmed))
    schema = schema.model_copy(update={"holdout": confirmed.holdout})
    classes = dict(counts_of(table[confirmed.target]).most_common()) if schema.classes else {}
    if rare := rare_problem(classes, confirmed.preparation):
        raise TaskError(f"{rare[0]} (preparation.rare_classes.{rare[1]})")
    _check_classes(context, upload.dataset, schema)
    context.write(SCHEMA, lambda path: path.write_text(schema.model_dump_json()))
    target = next(name for name, column in confirmed.columns.items() if column.name == confirmed.target)
    repeated = upload.proposal.get("repeated")
    if repeated is None:  # it was proposed by an earlier release
        repeated = int(find_repeated(raw).sum())
    found = {
        "rows": table.rows,
        "task": schema.task,
        "classes": classes,
        "warnings": find_warnings(raw, facts, target, rows, repeated, classes=bool(schema.classes)),
    }
    context.write_json(FOUND, found)
    context.log.say(f"Prepared {table.rows} of {rows} rows and {len(schema.columns)} columns.")
    return {}


def version(context: TaskContext) -> dict[str, Any]:
    """Make the prepared table the dataset's next version; repeating it makes no other."""
    upload, _, _ = _asked(context)
    schema = Schema.model_validate(context.read_json(SCHEMA))
    made = open_version_store(context).add_prepared(
        upload.dataset, context.path(PREPARED_FILE), schema, request=context.log.run
    )
    context.log.say(f"Stored version {made.version} of {made.dataset!r} (revision {made.revision}).")
    return {"row": {"dataset_version": made.version}}


def warehouse(context: TaskContext) -> dict[str, Any]:
    """Write the raw and the prepared table into the warehouse, in place of what is there of them."""
    upload, _, _ = _asked(context)
    with context.database.reading() as session:
        number = session.get_one(RunRow, context.run).dataset_version or 0
    tables = []
    parts: dict[Part, Path] = {"raw": _raw(context, upload), "prepared": context.path(PREPARED_FILE)}
    written = Warehouse(context.settings.warehouse_url)
    try:
        for part, path in parts.items():
            with pq.ParquetFile(path) as file:
                columns = [(f.name, str(f.type)) for f in file.schema_arrow if f.name not in PROVENANCE]
                names = [name for name, _ in columns]
                rows = (batch.select(names) for batch in batches(file))
                tables.append(written.write(upload.dataset, number, part, columns, rows))
            context.log.progress(_RAW_WRITTEN)
    finally:
        written.close()
    context.log.say(f"Written to the warehouse: {', '.join(tables)}.")
    return {"result": {"version": number, **context.read_json(FOUND), "tables": tables}}


def _asked(context: TaskContext) -> tuple[DatasetUploadRow, Confirmed, list[ColumnFacts]]:
    """Return the upload that the run stores, what was confirmed of it, and what was found in it."""
    with context.database.reading() as session:
        run = session.get_one(RunRow, context.run)
        upload = session.get(DatasetUploadRow, run.options["upload"])
    if upload is None or upload.confirmed is None:
        raise TaskError("The dataset was deleted before it was stored.")
    facts = [ColumnFacts(**column) for column in upload.proposal["columns"]]
    return upload, Confirmed.model_validate(upload.confirmed), facts


def _raw(context: TaskContext, upload: DatasetUploadRow) -> Path:
    return context.settings.uploads_dir / upload.id / RAW_FILE


def _check_classes(context: TaskContext, dataset: str, schema: Schema) -> None:
    """Raise `TaskError` if a model in use would meet classes it was not made for."""
    with context.database.reading() as session:
        models = models_on(session, dataset)
        old = session.get_one(DatasetRow, dataset).schema
    if not models or not old:
        return
    before = Schema.model_validate(old)
    if before.classes != schema.classes or before.task != schema.task:
        known, found = (", ".join(map(repr, s.classes)) or s.task for s in (before, schema))
        raise TaskError(
            f"Model {models[0]!r} was made for {known}, but the new file has {found}: "
            "correct the labels, or upload it as another dataset."
        )

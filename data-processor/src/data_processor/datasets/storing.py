"""The steps that make a version out of a confirmed upload: prepare it, DVC, the warehouse."""

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from sqlalchemy import select

from data_processor.datasets.batches import batches
from data_processor.datasets.confirmation import Confirmed
from data_processor.datasets.duplicates import find_repeated
from data_processor.datasets.inference import counts_of, infer_schema
from data_processor.datasets.preparing import task_of, write_confirmed
from data_processor.datasets.profile import ColumnFacts
from data_processor.datasets.proposing import RAW_FILE
from data_processor.datasets.schema import Schema
from data_processor.datasets.suspicions import look_for
from data_processor.datasets.tables import PROVENANCE, ParquetColumns
from data_processor.datasets.warehouse import Part, Warehouse
from data_processor.rows import DatasetRow, DatasetUploadRow, ModelRow, RunRow
from data_processor.training.plan import open_store
from data_processor.training.workbench import TaskError, Workbench

PREPARED_FILE = "prepared.parquet"
FOUND = "found.json"
SCHEMA = "schema.json"
_PREPARED, _RAW_WRITTEN = 0.25, 0.75
"""How far a run is when the table is prepared, and when the raw one is in the warehouse."""


def prepare(bench: Workbench) -> dict[str, Any]:
    """Make the table that was confirmed out of the one that was uploaded, and learn its schema."""
    upload, confirmed, facts = _asked(bench)
    raw, rows = _raw(bench, upload), upload.proposal["rows"]

    def tell(share: float) -> None:
        bench.log.progress(_PREPARED * share)

    written = bench.write(PREPARED_FILE, lambda path: write_confirmed(raw, path, confirmed, facts, tell))
    table = ParquetColumns(written)
    kinds = {column.name: column.kind for column in confirmed.columns.values()}
    schema = infer_schema(table, confirmed.target, task=task_of(confirmed, facts), kinds=kinds)
    _check_classes(bench, upload.dataset, schema)
    bench.write(SCHEMA, lambda path: path.write_text(schema.model_dump_json()))
    target = next(name for name, column in confirmed.columns.items() if column.name == confirmed.target)
    repeated = upload.proposal.get("repeated")
    if repeated is None:  # it was proposed by an earlier release
        repeated = int(find_repeated(raw).sum())
    found = {
        "rows": table.rows,
        "task": schema.task,
        "classes": dict(counts_of(table[confirmed.target]).most_common()) if schema.classes else {},
        "warnings": look_for(raw, facts, target, rows, repeated),
    }
    bench.write_json(FOUND, found)
    bench.log.say(f"{table.rows} of {rows} rows, {len(schema.columns)} columns.")
    return {}


def version(bench: Workbench) -> dict[str, Any]:
    """Make the prepared table the dataset's next version; repeating it makes no other."""
    upload, _, _ = _asked(bench)
    schema = Schema.model_validate(bench.read_json(SCHEMA))
    made = open_store(bench).add_kept(
        upload.dataset, bench.path(PREPARED_FILE), schema, request=bench.log.run
    )
    bench.log.say(f"Version {made.version} of {made.dataset!r} ({made.revision}).")
    return {"row": {"dataset_version": made.version}}


def warehouse(bench: Workbench) -> dict[str, Any]:
    """Write the raw and the prepared table into the warehouse, in place of what is there of them."""
    upload, _, _ = _asked(bench)
    with bench.database.reading() as session:
        number = session.get_one(RunRow, bench.run).dataset_version or 0
    tables = []
    parts: dict[Part, Path] = {"raw": _raw(bench, upload), "prepared": bench.path(PREPARED_FILE)}
    written = Warehouse(bench.settings.warehouse_url)
    try:
        for part, path in parts.items():
            with pq.ParquetFile(path) as file:
                columns = [(f.name, str(f.type)) for f in file.schema_arrow if f.name not in PROVENANCE]
                names = [name for name, _ in columns]
                rows = (batch.select(names) for batch in batches(file))
                tables.append(written.write(upload.dataset, number, part, columns, rows))
            bench.log.progress(_RAW_WRITTEN)
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

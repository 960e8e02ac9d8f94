"""The step that computes a profile and stores it, with its report, beside the dataset."""

from typing import Any

import pandas as pd
from sqlalchemy import select

from data_processor.datasets.exploration.computing import compute
from data_processor.datasets.exploration.report import render
from data_processor.datasets.exploration.sampling import take_sample
from data_processor.datasets.exploration.schemas import FORMAT
from data_processor.datasets.inference import infer_schema
from data_processor.datasets.version_store import open_version_store
from data_processor.features.schema import Column, Schema
from data_processor.rows import DatasetProfileRow, DatasetVersionRow
from data_processor.runs.context import TaskContext, TaskError


def profile(context: TaskContext, dataset: str, version: int) -> dict[str, Any]:
    """Compute the profile of a dataset version; repeating it gives the same result."""
    store = open_version_store(context)
    sample = take_sample(store.content(dataset, version))
    context.log.say(f"{len(sample.frame)} of {sample.total} rows were sampled.")

    def tell(what: str, share: float) -> None:
        if told[-1:] == [what]:
            context.log.progress(share)
            return
        told.append(what)
        context.log.append("log", {"level": "info", "message": f"Computing {what}."}, progress=share)

    told: list[str] = []
    found = compute(dataset, version, schema_of(store.schema(dataset), sample.frame), sample, tell)
    tell("the report", 0.95)
    report = render(found)
    with context.database.transaction() as session:
        held = select(DatasetVersionRow).where(
            DatasetVersionRow.dataset == dataset, DatasetVersionRow.version == version
        )
        if session.scalar(context.database.lock(held)) is None:
            raise TaskError("The dataset was deleted before its profile was computed.")
        session.merge(
            DatasetProfileRow(
                dataset=dataset,
                version=version,
                format=FORMAT,
                profile=found.model_dump_json(),
                report=report,
            )
        )
    return {}


def schema_of(schema: Schema, frame: pd.DataFrame) -> Schema:
    """Return the schema of a table: the dataset's, unless that was confirmed of a later and other table.

    Raises `UnusableTargetError` if the table has nothing of what is to be predicted now.
    """
    known = {column.name: column for column in schema.columns}
    fitting = {name: known[name].kind for name in map(str, frame.columns) if _fits(known.get(name), frame)}
    if len(fitting) == len(known) == len(frame.columns):
        return schema
    return infer_schema(frame, schema.target, task=schema.task, kinds=fitting)


def _fits(column: Column | None, frame: pd.DataFrame) -> bool:
    if column is None:
        return False
    numeric = pd.api.types.is_numeric_dtype(frame[column.name].dtype)
    return column.kind in ("identifier", "ignored") or (column.kind == "numeric") == numeric

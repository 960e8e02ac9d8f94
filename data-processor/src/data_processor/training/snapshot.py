"""The first step of a run: the dataset with its feedback, stored as a version, and the terms of the run."""

from typing import Any

from data_processor.datasets.tables import LabelledRow
from data_processor.datasets.version_store import open_version_store
from data_processor.feedback.repository import Labelled, labelled_since
from data_processor.models.access import registry_of
from data_processor.models.policy import Policy
from data_processor.predictions.records import PredictionStore
from data_processor.runs.context import TaskContext, import_ahead
from data_processor.training.label_sources import write_sources
from data_processor.training.plan import make_plan, rows_of

NEXT = "data_processor.training.tasks"
"""Scikit-learn and the rest, two seconds of work, while this step waits for git."""


def snapshot(context: TaskContext) -> dict[str, Any]:
    """Store the dataset with the labelled feedback behind it as a version, and fix the run's terms."""
    import_ahead(NEXT)
    row, model = rows_of(context)
    labelled = _labelled(context, row.model, Policy.model_validate(model.policy))
    write_sources(context, labelled)
    version = open_version_store(context).snapshot(
        model.dataset, _with_inputs(context, labelled), request=row.id
    )
    plan = make_plan(context, row, model, version)
    context.log.say(
        f"Dataset {version.dataset!r}, version {version.version} (revision {version.revision}): "
        f"{version.rows} rows, feedback up to number {version.feedback_seq}. Seed {plan.seed}; "
        f"{plan.opponent}."
    )
    return {"row": {"dataset_version": version.version}}


def take_in_dataset(context: TaskContext, model: str, version: str) -> dict[str, Any]:
    """Make the dataset of a version of another stage known here, so that this stage can train too."""
    manifest = registry_of(context).manifest(model, version)
    taken = open_version_store(context).take_in(manifest.lineage.dataset, manifest.table)
    return {"versions": taken}


def _labelled(context: TaskContext, model: str, policy: Policy) -> list[Labelled]:
    with context.database.reading() as session:
        return labelled_since(session, model, policy=policy)


def _with_inputs(context: TaskContext, labelled: list[Labelled]) -> list[LabelledRow]:
    """Return labelled predictions with their inputs."""
    store = PredictionStore(context.settings.predictions_url)
    try:
        store.create_tables()
        recorded = store.many(one.prediction for one in labelled)
    finally:
        store.close()
    return [
        LabelledRow(one.seq, one.prediction, recorded[one.prediction].inputs, one.truth)
        for one in labelled
        if one.prediction in recorded
    ]

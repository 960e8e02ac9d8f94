"""The first step of a run: the dataset with what people said, kept as a version, and the terms of the run."""

from typing import Any

from data_processor.datasets.tables import LabelledRow
from data_processor.feedback.records import labelled_since
from data_processor.serving.records import PredictionStore
from data_processor.training.plan import make_plan, open_store, rows_of
from data_processor.training.workbench import Workbench, import_ahead

NEXT = "data_processor.training.steps"
"""Scikit-learn and the rest, two seconds of work, while this step waits for git."""


def snapshot(bench: Workbench) -> dict[str, Any]:
    """Store the dataset with the labelled feedback behind it as a version, and fix the run's terms."""
    import_ahead(NEXT)
    row, model = rows_of(bench)
    version = open_store(bench).snapshot(model.dataset, _labelled(bench, row.model), request=row.id)
    plan = make_plan(bench, row, model, version)
    opponent = (
        f"champion {plan.champion}, gate {plan.gate_number} against it" if plan.champion else "no champion"
    )
    bench.log.say(
        f"Dataset {version.dataset!r}, version {version.version} ({version.revision}): {version.rows} rows, "
        f"feedback up to {version.feedback_seq}. Seed {plan.seed}, {opponent}."
    )
    return {"row": {"dataset_version": version.version}}


def take_in_dataset(bench: Workbench, model: str, version: str) -> dict[str, Any]:
    """Make the dataset of a version that another stage trained known here, so that this one can train too."""
    manifest = bench.registry.manifest(model, version)
    taken = open_store(bench).take_in(manifest.lineage.dataset, manifest.table)
    return {"versions": taken}


def _labelled(bench: Workbench, model: str) -> list[LabelledRow]:
    """Return every labelled prediction of a model with its inputs."""
    with bench.database.reading() as session:
        labelled = labelled_since(session, model)
    store = PredictionStore(bench.settings.predictions_url)
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

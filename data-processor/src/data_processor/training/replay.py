"""The heavy half of a watch's check: what the predecessor would have answered to the labelled inputs."""

from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_processor.features.packing import pack_rows, text
from data_processor.feedback.repository import count_with_feedback, counted, labelled_since
from data_processor.models.access import registry_of
from data_processor.models.engine import load_engine
from data_processor.models.manifest import Manifest
from data_processor.models.policy import Policy
from data_processor.predictions.records import Prediction, PredictionStore
from data_processor.rows import ModelRow, WatchRow
from data_processor.runs.context import TaskContext, TaskError
from data_processor.statistics.measures import Answers
from data_processor.tasks.registry import picture_task
from data_processor.training import watch


def replay(context: TaskContext, promotion: str, size: int) -> dict[str, Any]:
    """Compare a version with its predecessor on the first `size` inputs labelled since its promotion."""
    with context.database.reading() as session:
        row = session.get(WatchRow, promotion)
        model = session.get(ModelRow, row.model) if row else None
        if row is None or model is None:
            raise TaskError(f"There is no watch over the promotion {promotion!r}.")
        if picture_task(model.task) is not None:
            raise TaskError(
                "pictures that were asked about are not kept, so the predecessor cannot be asked about them."
            )
        policy = Policy.model_validate(model.policy)
        labelled = labelled_since(
            session, row.model, row.since_seq, policy=policy, stage=row.stage, version=row.version
        )
        with_feedback = count_with_feedback(
            session, row.model, row.stage, row.version, row.since_seq, policy=policy
        )
    first = counted(labelled, policy)[:size]
    recorded = _recorded(context, [one.prediction for one in first])
    missing = [one.prediction for one in first if one.prediction not in recorded]
    if missing or len(first) < size:
        raise TaskError(
            f"{len(missing) or size - len(first)} of {size} predictions with feedback are not recorded."
        )
    predictions = [recorded[one.prediction] for one in first]
    truth = np.array([one.truth for one in first], object)
    answered, replayed = _given(predictions), _predecessor(context, row, predictions)
    flags = watch.counted(truth, answered, replayed, policy)
    found = watch.check(
        *flags,
        sources=[one.source for one in first],
        groups=_groups(predictions, registry_of(context).manifest(row.model, row.version)),
        with_feedback=with_feedback,
        labelled=len(labelled),
        policy=policy,
    )
    return asdict(found)


def _groups(predictions: list[Prediction], manifest: Manifest) -> NDArray[np.object_] | None:
    """Return what each prediction is about, if rows belong together; one that does not say is on its own."""
    column = manifest.table.holdout.groups
    if column is None:
        return None
    values = [prediction.inputs.get(column) for prediction in predictions]
    return np.array(
        [f"alone: {number}" if value is None else text(value) for number, value in enumerate(values)], object
    )


def _recorded(context: TaskContext, ids: list[str]) -> dict[str, Prediction]:
    store = PredictionStore(context.settings.predictions_url)
    try:
        return store.many(ids)
    finally:
        store.close()


def _given(predictions: list[Prediction]) -> Answers:
    """Return what the watched version answered, as it was recorded."""
    outputs = [prediction.output for prediction in predictions]
    if "value" in outputs[0]:
        return Answers(values=np.array([output["value"] for output in outputs], np.float64))
    return Answers(labels=np.array([output["label"] for output in outputs], object))


def _predecessor(context: TaskContext, row: WatchRow, predictions: list[Prediction]) -> Answers:
    """Return what the predecessor answers to the same inputs."""
    manifest = registry_of(context).manifest(row.model, row.predecessor)
    folder = registry_of(context).directory(row.model, row.predecessor)
    engine = load_engine(folder, manifest, context.settings.trusted_types)
    packed = pack_rows([prediction.inputs for prediction in predictions], manifest.table)
    outputs = engine.predict(*packed)
    if not manifest.table.classes:
        return Answers(values=outputs[:, 0].astype(np.float64))
    return Answers(labels=np.asarray(manifest.table.classes, object)[outputs.argmax(axis=1)])

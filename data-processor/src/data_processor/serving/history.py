"""Recorded predictions as callers read them: with their feedback and their lineage."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from data_processor.caller import Caller
from data_processor.database import Database
from data_processor.models.registry import Registry
from data_processor.predictions.records import Prediction, PredictionStore
from data_processor.rows import FeedbackRow
from data_processor.service.errors import NotFound
from data_processor.serving.schemas import (
    GivenFeedback,
    PredictionDetail,
    PredictionLineage,
    RecordedPrediction,
)


class History:
    """Reads predictions on behalf of a caller: users see their own, engineers everybody's."""

    def __init__(self, database: Database, predictions: PredictionStore, registry: Registry) -> None:
        """Read predictions, their feedback, and the lineage of their versions."""
        self._database = database
        self._predictions = predictions
        self._registry = registry

    def one(self, prediction: str, caller: Caller) -> PredictionDetail:
        """Return a prediction with its lineage; raises `NotFound` for one that the caller may not see."""
        found = self.find(prediction, caller)
        described = _describe(found, self._feedback([found.id]).get(found.id, []))
        return PredictionDetail(**described, lineage=self._lineage(found))

    def find(self, prediction: str, caller: Caller) -> Prediction:
        """Return a prediction as recorded; raises `NotFound` for one that the caller may not see."""
        found = self._predictions.get(prediction)
        if found is None or not (caller.sees_everything or found.subject == caller.subject):
            raise NotFound(f"There is no prediction {prediction!r}.")
        return found

    def page(self, model: str, caller: Caller, limit: int, before: str | None) -> list[RecordedPrediction]:
        """Return the newest predictions of a model older than `before`; raises `NotFound`."""
        self._registry.get_model(model)
        subject = None if caller.sees_everything else caller.subject
        found = self._predictions.page(model, subject, limit, before)
        feedback = self._feedback([prediction.id for prediction in found])
        return [
            RecordedPrediction(**_describe(prediction, feedback.get(prediction.id, [])))
            for prediction in found
        ]

    def _feedback(self, ids: Sequence[str]) -> dict[str, list[GivenFeedback]]:
        latest: dict[str, dict[str, FeedbackRow]] = {}
        query = select(FeedbackRow).where(FeedbackRow.prediction.in_(ids)).order_by(FeedbackRow.seq)
        with self._database.reading() as session:
            for row in session.scalars(query):
                by_subject = latest.setdefault(row.prediction, {})
                by_subject.pop(row.subject, None)
                by_subject[row.subject] = row
        return {
            prediction: [
                GivenFeedback.model_validate(row, from_attributes=True) for row in by_subject.values()
            ]
            for prediction, by_subject in latest.items()
        }

    def _lineage(self, prediction: Prediction) -> PredictionLineage | None:
        try:
            manifest = self._registry.manifest(prediction.model, prediction.version)
        except NotFound:
            return None
        return PredictionLineage(**manifest.lineage.model_dump(exclude={"feedback_seq"}))


def _describe(prediction: Prediction, feedback: list[GivenFeedback]) -> dict[str, Any]:
    return {
        **prediction.output,
        "id": prediction.id,
        "flags": prediction.flags,
        "ask": prediction.asked,
        "model": prediction.model,
        "version": prediction.version,
        "stage": prediction.stage,
        "pinned": prediction.pinned,
        "subject": prediction.subject,
        "at": prediction.at,
        "inputs": prediction.inputs,
        "latency_ms": prediction.latency_ms,
        "trace_id": prediction.trace_id,
        "feedback": feedback,
    }

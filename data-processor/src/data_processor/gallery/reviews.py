"""The review list: answers that were close calls, and answers that users contradicted."""

from sqlalchemy import select

from data_processor.database import Database
from data_processor.gallery import repository
from data_processor.gallery.schemas import Review
from data_processor.predictions.records import Prediction, PredictionStore
from data_processor.rows import FeedbackRow

LOOKED_AT = 1000
"""The newest predictions of a model, of which the list is made."""
CLOSE = 0.15
"""So near to a confidence of one half, where the threshold is, an answer was a close call."""


class Reviews:
    """Makes the review lists of models for faces."""

    def __init__(self, database: Database, predictions: PredictionStore) -> None:
        """Look at recorded predictions and their feedback."""
        self._database = database
        self._predictions = predictions

    def of(self, model: str, limit: int) -> list[Review]:
        """Return what is to be reviewed, newest first; raises `NotFound` and `Conflict`."""
        with self._database.reading() as session:
            repository.find_face_model(session, model)
        found = self._predictions.page(model, limit=LOOKED_AT)
        settled, contradicted = self._said([one.id for one in found])
        reviews = []
        for one in found:
            if one.id in settled or "image" not in one.inputs:
                continue
            if one.id in contradicted:
                reviews.append(_review(one, "contradicted"))
            elif abs(one.output.get("confidence", 1.0) - 0.5) < CLOSE:
                reviews.append(_review(one, "near-threshold"))
        return reviews[:limit]

    def _said(self, ids: list[str]) -> tuple[set[str], set[str]]:
        """Return which predictions somebody trusted has judged, and which somebody else said are wrong."""
        settled, contradicted = set[str](), set[str]()
        row = FeedbackRow
        with self._database.reading() as session:
            for start in range(0, len(ids), repository.AT_ONCE):
                some = row.prediction.in_(ids[start : start + repository.AT_ONCE])
                for prediction, correct, trusted in session.execute(
                    select(row.prediction, row.correct, row.trusted).where(some)
                ):
                    if trusted:
                        settled.add(prediction)
                    elif not correct:
                        contradicted.add(prediction)
        return settled, contradicted


def _review(one: Prediction, reason: str) -> Review:
    output = one.output
    return Review.model_validate(
        {
            "prediction": one.id,
            "at": one.at,
            "image": one.inputs["image"],
            "reason": reason,
            **{name: output.get(name) for name in ("label", "distance", "threshold", "confidence")},
        }
    )

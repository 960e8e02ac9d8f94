"""The score that no feedback is needed for: how often the latest answers are probably right."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy.orm import Session

from data_processor.models.policy import Policy
from data_processor.predictions.records import Answered, PredictionStore, id_at
from data_processor.rows import VersionRow
from data_processor.statistics.calibration import LEAST_ANSWERS, Calibration, Estimated, estimate

BLIND = (
    "It is estimated without feedback: it reflects changed inputs, but not a changed relation between them "
    "and the target."
)


class Estimate(NamedTuple):
    """An estimate with what to bear in mind about it, or why there is none."""

    found: Estimated | None
    reason: str
    reference_rows: int = 0


class Estimates:
    """Estimates the accuracy of what a stage serves."""

    def __init__(self, predictions: PredictionStore) -> None:
        """Read the answers here."""
        self._predictions = predictions

    def of(
        self, session: Session, model: str, stage: str, version: str, *, since: datetime, policy: Policy
    ) -> Estimate:
        """Estimate from the last `window` answers that a stage's version gave since it is served."""
        row = session.get(VersionRow, (model, version))
        if row is None:
            return Estimate(None, f"Version {version} is gone.")
        kept = row.manifest.get("calibration")
        if row.manifest["engine"] == "arrays":
            return Estimate(
                None, "Nothing is estimated of a model for faces: nobody knows how many strangers come."
            )
        if not row.manifest["table"]["classes"]:
            return Estimate(
                None,
                "Nothing is estimated of a model that answers with values: they come without a probability.",
            )
        if kept is None:
            return Estimate(
                None,
                f"Nothing is estimated of version {version}: it was trained without calibration, by an older "
                "release or with fewer than 100 holdout rows. The next version will have it.",
            )
        calibration = Calibration.model_validate(kept)
        mine = Answered(model, stage, version, policy.use_pinned, id_at(since))
        answers = [one.output for one in self._predictions.answered_by(mine, policy.window)]
        found = estimate(calibration, [one["probabilities"][one["label"]] for one in answers])
        if found is None:
            return Estimate(
                None,
                f"Nothing is estimated yet: there are {len(answers)} of the {LEAST_ANSWERS} answers that it "
                "takes.",
            )
        return Estimate(found, BLIND, sum(calibration.rows))

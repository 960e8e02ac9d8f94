"""A candidate: one thing that can be fitted, whatever the task."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from data_processor.features.preparation import Preparation

RecentShare = Literal["natural", "only"] | float
"""The weight recent rows have together: what their number gives them, a fixed share, or all of it."""
BLEND = "blend"
"""The estimator of a candidate whose members are candidates, with a weight each."""


class UnknownCandidateError(ValueError):
    """What was asked for is nothing that can be tried."""


class TooFewRowsError(ValueError):
    """The rows cannot carry a fit: none at all, a class without a row, or no column with a value."""


class Vectorizer(BaseModel):
    """How texts become numbers (`texts/vectorizers.py`)."""

    model_config = ConfigDict(frozen=True)

    name: str
    params: dict[str, Any] = {}


class Candidate(BaseModel):
    """One thing that can be fitted: an estimator, its hyperparameters and how much recent rows weigh.

    The `params` of a blend are `{"members": [{"estimator", "params", "weight"?, "vectorizer"?}]}`.
    """

    model_config = ConfigDict(frozen=True)

    estimator: str
    params: dict[str, Any]
    vectorizer: Vectorizer | None = Field(None, exclude_if=lambda chosen: chosen is None)
    """Texts only."""
    recent_share: RecentShare = "natural"
    preparation: Preparation = Preparation()

    def as_json(self) -> dict[str, Any]:
        """Return the candidate as leaderboard and `version.json` show it, with an unusual preparation."""
        usual = self.preparation == Preparation()
        return self.model_dump(mode="json", exclude={"preparation"} if usual else None)


def members_of(blend: Candidate) -> list[tuple[Candidate, float]]:
    """Return the members of a blend and their weights; they share its recent rows and its preparation."""
    shared = {"recent_share": blend.recent_share, "preparation": blend.preparation}
    return [
        (
            Candidate(
                estimator=one["estimator"],
                params=one["params"],
                vectorizer=Vectorizer.model_validate(one["vectorizer"]) if one.get("vectorizer") else None,
                **shared,
            ),
            float(one.get("weight", 1.0)),
        )
        for one in blend.params["members"]
    ]

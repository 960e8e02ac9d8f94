"""What the routes of feedback and score take and give."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictStr, field_validator

from data_processor.feedback.believing import Believed
from data_processor.feedback.controller import ModelState
from data_processor.feedback.estimates import Estimate
from data_processor.statistics.score import Share

Number = (
    Annotated[int, Field(strict=True, ge=-(10**30), le=10**30)]
    | Annotated[float, Field(strict=True, allow_inf_nan=False)]
)
Right = Annotated[float, Field(ge=0, le=1)]


class FeedbackRequest(BaseModel):
    """A person's feedback on a prediction."""

    model_config = ConfigDict(extra="forbid")

    correct: StrictBool = Field(description="Whether the answer was right.")
    label: Annotated[StrictStr, Field(max_length=1000)] | StrictBool | Number | None = Field(
        None,
        description="The true label, as the table has it. With two classes, a wrong answer without a label "
        "means the other class.",
    )
    value: Number | Annotated[StrictStr, Field(max_length=100)] | None = Field(
        None,
        description="Regression: the true value, a number or a text as the table has it; required if the "
        "answer is wrong.",
    )
    comment: str | None = Field(None, max_length=4000)

    @field_validator("label", "comment")
    @classmethod
    def _refuse_nul(cls, text: str | float | None) -> str | float | None:
        if isinstance(text, str) and "\0" in text:
            raise ValueError("must not contain the character U+0000")
        return text


class Feedback(BaseModel):
    """Feedback as it was recorded, with what it implies."""

    id: str
    prediction: str
    model: str
    version: str
    subject: str
    correct: bool = Field(description="As it counts: a value within the model's tolerance is right.")
    label: str | None = Field(description="The true label, if it is known.")
    value: float | None = Field(description="Regression: the true value.")
    comment: str | None
    trace_id: str | None = Field(description="The trace of the request that gave it, 32 hex digits.")
    at: datetime


class ShareOfRight(BaseModel):
    """A share of right answers with its 95 % interval; null while there is no feedback."""

    value: Right | None
    low: Right | None
    high: Right | None
    n: int = Field(description="Predictions with feedback that count.")

    @classmethod
    def of(cls, share: Share) -> Self:
        """Describe a share."""
        low, high = share.interval() or (None, None)
        return cls(value=share.value, low=low, high=high, n=share.n)


class EstimatedShare(ShareOfRight):
    """An expected share of right answers, with its 95 % interval."""

    n: int = Field(description="Answers that it is estimated from.")
    reference_rows: int = Field(description="Holdout rows that say how probably right an answer is.")

    @classmethod
    def estimated(cls, estimate: Estimate) -> Self | None:
        """Describe an estimate, if there is one."""
        found = estimate.found
        return cls(**found._asdict(), reference_rows=estimate.reference_rows) if found is not None else None


class ModelScore(ShareOfRight):
    """How often a stage's version has been right lately, and what the controller concludes from it."""

    window: int = Field(description="How many predictions with feedback the score looks back over.")
    threshold: Right
    version: str | None
    state: ModelState
    reason: str
    asked: ShareOfRight | None = Field(description="Over the predictions that people were asked about.")
    volunteered: ShareOfRight
    estimate: EstimatedShare | None = Field(description="Estimated without labels; null where there is none.")
    estimate_reason: str = Field("", description="What the estimate cannot see, or why there is none.")
    believe: Believed = Field("none", description="Which of these numbers to believe.")
    believe_reason: str = Field("", description="Why, and what it means if they contradict each other.")


class ScorePoint(ShareOfRight):
    """The score at one time."""

    at: datetime
    version: str
    state: ModelState = Field(
        description="Between two evaluations by the controller, that of the earlier one."
    )
    reason: str = Field(description="Empty between two evaluations.")
    run: str | None = Field(description="The run that was opened then.")


class ResumeRequest(BaseModel):
    """Why retraining may resume."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(min_length=1, max_length=1000, pattern=r"\S")

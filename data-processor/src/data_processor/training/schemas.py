"""What the routes of runs take and give."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from data_processor.features.hyperparameters import Value
from data_processor.rows import RunRow

VectorizerName = Annotated[str, Field(max_length=100, description="By its name in `GET /v1/tasks`.")]
RunStatus = Literal["queued", "running", "succeeded", "failed", "cancelled"]


class VectorizerRequest(BaseModel):
    """How texts become numbers, and the hyperparameters that are fixed instead of searched."""

    model_config = ConfigDict(extra="forbid")

    name: VectorizerName
    params: dict[str, Value] = Field({}, max_length=50)


class CandidateRequest(BaseModel):
    """One candidate to try: an estimator, and the hyperparameters that are fixed instead of searched."""

    model_config = ConfigDict(extra="forbid")

    estimator: str = Field(max_length=100, description="By its name in `GET /v1/tasks`.")
    params: dict[str, Value] = Field({}, max_length=50)
    vectorizer: VectorizerName | VectorizerRequest | None = Field(
        None, description="Texts only; if left out, every vectorizer is tried."
    )


class RunRequest(BaseModel):
    """A training run to start; everything has a default in the model's policy."""

    model_config = ConfigDict(extra="forbid")

    budget_s: float | None = Field(None, ge=1, le=86_400, description="Seconds that the search may take.")
    candidates: list[CandidateRequest] | None = Field(
        None, min_length=1, max_length=32, description="What to try instead of every estimator."
    )
    reason: str = Field("", max_length=1000, description="Why the run is started.")

    def options(self) -> dict[str, Any]:
        """Return what was asked for beyond the defaults."""
        return self.model_dump(exclude={"reason"}, exclude_none=True)


class EvaluationRequest(BaseModel):
    """Versions to compare on labelled rows."""

    model_config = ConfigDict(extra="forbid")

    versions: list[Annotated[str, Field(min_length=1, max_length=256)]] = Field(
        min_length=1, max_length=8, description="The others are compared with the first."
    )
    dataset: str | None = Field(
        None,
        max_length=256,
        description="A labelled dataset; if left out, the holdout rows of the model's own.",
    )


class EvaluatedRows(BaseModel):
    """The rows of an evaluation: no version was fitted to any of them."""

    dataset: str
    dataset_version: int
    used: int
    left_out: int = Field(
        description="Rows without a target, rows that a version was fitted to, and rows beyond the limit."
    )
    which: str = Field(description="Which rows were used, in a sentence.")


class Curves(BaseModel):
    """How well the probability of one class tells it from the others; at most 200 points each."""

    label: str
    roc_auc: float
    average_precision: float
    roc: list[tuple[float, float]] = Field(description="False positive rate, true positive rate.")
    precision_recall: list[tuple[float, float]] = Field(description="Recall, precision.")
    calibration: list[tuple[float, float]] = Field(
        description="Mean predicted probability and observed share, in bins with equally many rows."
    )


class EvaluatedVersion(BaseModel):
    """How one version did."""

    version: str
    metrics: dict[str, float]
    confusion: list[list[int]] | None = Field(
        description="Rows: true class, columns: answered class, in the order of `classes`; null: regression."
    )
    curves: list[Curves] = Field(
        description="One for each class; with two classes, only the second; [] for regression."
    )


class Difference(BaseModel):
    """By how much a version differs from the first, on the same rows."""

    version: str
    against: str
    metric: str
    difference: float = Field(description="The version's value minus that of the other.")
    low: float | None = Field(description="The interval's ends; null on fewer than 30 rows.")
    high: float | None
    level: float = Field(description="Of the interval, e.g. 0.95.")


class Evaluation(BaseModel):
    """Several versions on the same rows."""

    model: str
    rows: EvaluatedRows
    classes: list[str]
    versions: list[EvaluatedVersion]
    differences: list[Difference]


class RunStarted(BaseModel):
    """A run that was queued."""

    id: str
    status: RunStatus


class StepDuration(BaseModel):
    """How long one finished step took."""

    step: str
    seconds: float


class RunShort(BaseModel):
    """One run in a list."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    kind: str = Field(description="What it does: training, dataset, evaluation, profile …")
    model: Annotated[str | None, BeforeValidator(lambda name: name or None)] = Field(
        description="Null for a run that belongs to a dataset."
    )
    dataset: str | None = Field(description="The dataset it works on.")
    stage: str
    trigger: Literal["score", "manual", "upload", "drift", "initial"]
    status: RunStatus
    step: str | None = Field(description="The step it is in, or was in last.")
    progress: float = Field(description="The share of its steps that are done, 0 to 1.")
    reason: str
    subject: str
    dataset_version: int | None
    champion: str | None = Field(description="The version it was compared with.")
    version: str | None = Field(description="The version it registered.")
    error: str | None
    cancel_requested: bool
    trace_id: str | None = Field(
        description="The trace it is part of, 32 hex digits: that of the request that asked for it."
    )
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class RunDetail(RunShort):
    """One run with everything that is known about it."""

    options: dict[str, Any]
    leaderboard: list[dict[str, Any]]
    gate: dict[str, Any] | None = Field(description="The receipt of the gate.")
    steps: list[StepDuration]
    result: dict[str, Any] | None = Field(description="Its result, if that is not a version.")

    @classmethod
    def of(cls, row: RunRow, steps: list[dict[str, Any]], result: dict[str, Any] | None) -> "RunDetail":
        """Describe a run, the durations of its steps and its result."""
        known = {column.key: getattr(row, column.key) for column in RunRow.__table__.columns}
        return cls.model_validate({**known, "trace_id": row.trace_id, "steps": steps, "result": result})


class RunEvents(BaseModel):
    """Events of a run, oldest first."""

    events: list[dict[str, Any]]
    closed: bool = Field(description="The run has ended and these are its last events.")

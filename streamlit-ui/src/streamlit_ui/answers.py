"""The gateway's answers, as far as the pages read them.

Fields may be added at any time, so these are `TypedDict`s: what is not named here is carried along unread.
All times are RFC 3339 in UTC, all ids strings.
"""

from typing import Any, Literal, NotRequired, TypedDict

Role = Literal["user", "engineer", "maintainer"]
State = Literal["collecting", "healthy", "degraded", "retraining", "watching", "paused"]
RunStatus = Literal["queued", "running", "succeeded", "failed", "cancelled"]


class Token(TypedDict):
    """A signed-in user's credential."""

    access_token: str
    expires_in: float
    role: Role


class Share(TypedDict, total=False):
    """A share of right answers with its 95 % interval; `value` is none while there is nothing to share."""

    value: float | None
    low: float | None
    high: float | None
    n: int


class Score(Share, total=False):
    """How right a model's stage is of late, and what the controller makes of it."""

    window: int
    threshold: float
    version: str | None
    state: State
    reason: str
    asked: Share | None
    volunteered: Share | None
    estimate: Share | None


class ScorePoint(Share):
    """The score at one moment of its history."""

    at: str
    version: str | None
    state: State
    reason: str
    run: NotRequired[str | None]


class ModelSummary(TypedDict):
    """A model in the list of models."""

    name: str
    task: str
    version: str | None
    stage: str
    score: Score | None
    state: State


class Model(ModelSummary):
    """A model with what its form and its pages need."""

    schema: dict[str, Any]
    target: str
    classes: list[str]
    policy: dict[str, Any]
    versions: list[Any]
    problem: NotRequired[str | None]
    """Why the version that the ledger names is not being served, if it is not."""


class Judgement(TypedDict, total=False):
    """What one person said of a prediction."""

    subject: str
    correct: bool
    label: str | None
    value: float | None
    comment: str | None
    at: str


class Prediction(TypedDict, total=False):
    """One answered input; everything after `ask` only in the history."""

    id: str
    label: str | None
    probabilities: dict[str, float]
    value: float
    flags: list[str]
    ask: bool
    model: str
    version: str
    stage: str
    subject: str
    at: str
    inputs: dict[str, Any]
    trace_id: str | None
    latency_ms: float
    lineage: dict[str, Any] | None
    feedback: list[Judgement]


class Contribution(TypedDict):
    """How far one input moved an answer."""

    input: str
    given: Any
    contribution: float


class Explanation(TypedDict):
    """What moved one prediction: the baseline and the contributions add up to the value."""

    prediction: str
    version: str
    explained: str
    label: str | None
    unit: str
    method: str
    background_rows: int
    baseline: float
    value: float
    contributions: list[Contribution]


class Predictions(TypedDict):
    """The answer to a request for predictions."""

    model: str
    version: str
    stage: str
    predictions: list[Prediction]


class Version(TypedDict, total=False):
    """One trained version of a model."""

    version: str
    created_at: str
    metrics: dict[str, float]
    candidate: dict[str, Any]
    engine: str
    lineage: dict[str, Any]
    receipt: dict[str, Any] | None
    stages: list[str]
    barred: str | None
    loaded: bool


class Promotion(TypedDict, total=False):
    """One entry of the ledger."""

    id: str
    seq: int
    stage: str
    version: str
    previous: str | None
    kind: str
    subject: str
    reason: str
    receipt: dict[str, Any] | None
    run: str | None
    at: str


class Run(TypedDict, total=False):
    """One background job; the list leaves out `leaderboard`, `gate`, `steps` and `result`."""

    id: str
    kind: str
    model: str | None
    dataset: str | None
    stage: str
    trigger: str
    status: RunStatus
    step: str | None
    progress: float
    reason: str
    subject: str
    dataset_version: int | None
    champion: str | None
    version: str | None
    error: str | None
    cancel_requested: bool
    created_at: str
    started_at: str | None
    finished_at: str | None
    leaderboard: list[dict[str, Any]]
    gate: dict[str, Any] | None
    steps: list[dict[str, Any]]
    result: dict[str, Any] | None


class User(TypedDict, total=False):
    """A person who may sign in."""

    username: str
    role: Role
    created_at: str


class Key(TypedDict, total=False):
    """A program's credential; `key` itself only in the answer that made it."""

    id: str
    name: str
    role: Role
    key: str
    created_at: str
    expires_at: str | None

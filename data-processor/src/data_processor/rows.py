"""The rows of the records database: everything but single predictions.

Models, versions, the ledger, datasets, runs, feedback, the controller's decisions and notifications;
`database.py` says how they are reached. Predictions have a database of their own (`predictions/records.py`),
because they are written on the request path; background jobs have a third (DBOS).
"""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    ForeignKeyConstraint,
    Index,
    String,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from data_processor.service.database import UtcDateTime, now
from data_processor.service.trace_context import current_traceparent, trace_id_of

OPEN_RUN = ("queued", "running")
"""The statuses of an open run: a model has at most one open training run."""

DELETING = "deleting"
"""The state of a dataset that is hidden from everybody while the last of it is being removed."""


class Base(DeclarativeBase):
    """The records database."""

    type_annotation_map = {  # noqa: RUF012  # SQLAlchemy declares it as a plain class attribute
        datetime: UtcDateTime,
        dict[str, Any]: JSON,
        list[Any]: JSON,
        str: String,
    }


class ModelRow(Base):
    """A named problem with a live answer."""

    __tablename__ = "models"

    name: Mapped[str] = mapped_column(primary_key=True)
    task: Mapped[str]
    dataset: Mapped[str]
    target: Mapped[str]
    salt: Mapped[str]
    """Fixes for ever which rows are holdout rows (`features/holdout.py`)."""
    policy: Mapped[dict[str, Any]]
    resumed_at: Mapped[datetime | None]
    """When a maintainer last resumed retraining: runs before that no longer open the circuit breaker."""
    built_in: Mapped[bool] = mapped_column(default=False, server_default=false())
    """A default model of the platform (`training/default_models.py`): it cannot be deleted."""
    created_at: Mapped[datetime] = mapped_column(default=now)


class VersionRow(Base):
    """One trained version, as its `version.json` describes it (`models/manifest.py`)."""

    __tablename__ = "versions"

    model: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[str] = mapped_column(primary_key=True)
    manifest: Mapped[dict[str, Any]]
    artefact_uri: Mapped[str]
    """Where the version's files are, as MLflow names it."""
    signature: Mapped[str | None]
    """Made by the worker that registered it (`models/signatures.py`): without it, nothing loads it."""
    barred: Mapped[str | None]
    """Why this version may not be promoted automatically, if it may not."""
    created_at: Mapped[datetime] = mapped_column(default=now)


class LoadedRow(Base):
    """A version that is kept in memory beside those a stage serves (`models/loaded.py`)."""

    __tablename__ = "loaded_versions"
    __table_args__ = (UniqueConstraint("stage", "model", "version"),)

    stage: Mapped[str] = mapped_column(primary_key=True)
    place: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    """1, 2, 3 … up to the limit: each place is taken once."""
    model: Mapped[str]
    version: Mapped[str]
    subject: Mapped[str]
    """Who asked for it."""
    at: Mapped[datetime] = mapped_column(default=now)


class PromotionRow(Base):
    """One entry of a stage's ledger: append-only, and the truth about what the stage serves."""

    __tablename__ = "promotions"
    __table_args__ = (UniqueConstraint("model", "stage", "seq"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    model: Mapped[str]
    stage: Mapped[str]
    seq: Mapped[int]
    """1, 2, 3 … within model and stage; inserting the next one is the compare-and-swap."""
    version: Mapped[str]
    previous: Mapped[str | None]
    kind: Mapped[str]
    """`promotion`, `rollback` or `adoption` (an alias moved in MLflow)."""
    subject: Mapped[str]
    """Who: a user, or `loopkeeper` when the platform did it automatically."""
    reason: Mapped[str]
    receipt: Mapped[dict[str, Any] | None]
    run: Mapped[str | None]
    traceparent: Mapped[str | None] = mapped_column(default=current_traceparent)
    """The W3C header that continues the trace of the request which made it; absent from older ones."""
    at: Mapped[datetime] = mapped_column(default=now)

    @property
    def trace_id(self) -> str | None:
        """The id of its trace, 32 hex digits."""
        return trace_id_of(self.traceparent)


class AliasRefusalRow(Base):
    """A version that an alias was moved to in MLflow and that was not adopted (`models/refusals.py`)."""

    __tablename__ = "alias_refusals"

    stage: Mapped[str] = mapped_column(primary_key=True)
    model: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[str] = mapped_column(primary_key=True)
    reason: Mapped[str]
    """Why, the last time."""
    times: Mapped[int]
    at: Mapped[datetime]
    """The last time."""


class DatasetRow(Base):
    """A named table under DVC."""

    __tablename__ = "datasets"

    name: Mapped[str] = mapped_column(primary_key=True)
    task: Mapped[str]
    schema: Mapped[dict[str, Any]]
    """`features/schema.py: Schema`."""
    state: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default=now)


class DatasetVersionRow(Base):
    """One immutable DVC revision of a dataset."""

    __tablename__ = "dataset_versions"

    dataset: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    revision: Mapped[str]
    """The git commit in the dataset repository."""
    kind: Mapped[str]
    """`upload`, or `snapshot`: the last upload with the labelled feedback behind it."""
    rows: Mapped[int]
    feedback_seq: Mapped[int] = mapped_column(default=0)
    """The number of the last feedback in it; later feedback is recent to a version trained on it."""
    sha256: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default=now)


class DatasetUploadRow(Base):
    """One uploaded file on its way to a version: proposed → storing → ready or failed."""

    __tablename__ = "dataset_uploads"
    __table_args__ = (Index("dataset_uploads_of_a_dataset", "dataset", "created_at"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    """Also the name of its folder, and what its version was requested by."""
    dataset: Mapped[str]
    state: Mapped[str] = mapped_column(default="proposed")
    proposal: Mapped[dict[str, Any]]
    """What its columns seem to be, and how the file was read (`datasets/proposing.py`)."""
    difference: Mapped[dict[str, Any] | None]
    """How it differs from the version before (`datasets/difference.py`), if there is one."""
    confirmed: Mapped[dict[str, Any] | None]
    """What a person confirmed (`datasets/confirmed.py: Confirmed`)."""
    attempt: Mapped[int] = mapped_column(default=0)
    """How often it was confirmed: each time starts a run."""
    run: Mapped[str | None]
    """The run that stores it, or the last one that tried."""
    version: Mapped[int | None]
    """The dataset version it became."""
    stored: Mapped[dict[str, Any] | None]
    """What was found when it was stored: rows, class counts, data-quality warnings."""
    error: Mapped[str | None]
    subject: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default=now)


class DatasetProfileRow(Base):
    """The profile of a dataset version, computed once (`datasets/exploration/`)."""

    __tablename__ = "dataset_profiles"

    dataset: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    format: Mapped[int]
    """The version of the profile's format."""
    profile: Mapped[str]
    """JSON, `datasets/exploration/schemas.py: Profile`."""
    report: Mapped[str]
    """One HTML file."""
    made_at: Mapped[datetime] = mapped_column(default=now)


class RunRow(Base):
    """One piece of background work of any kind: queued → running → succeeded / failed / cancelled."""

    __tablename__ = "runs"
    __table_args__ = (
        Index(
            "one_open_training_run_per_model",
            "model",
            unique=True,
            sqlite_where=text("kind = 'training' AND status IN ('queued', 'running')"),
            postgresql_where=text("kind = 'training' AND status IN ('queued', 'running')"),
        ),
        Index("runs_newest_first", "created_at"),
        Index("runs_of_a_model", "model", "finished_at"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(default="training")
    """`training`, `dataset`, `evaluation` … (`wiring/kinds.py`)."""
    model: Mapped[str]
    """Empty for a run that belongs to a dataset."""
    dataset: Mapped[str | None]
    """The dataset it works on; absent from training runs older than the other kinds."""
    stage: Mapped[str]
    trigger: Mapped[str]
    status: Mapped[str] = mapped_column(default="queued")
    step: Mapped[str | None]
    progress: Mapped[float] = mapped_column(default=0.0)
    reason: Mapped[str]
    subject: Mapped[str]
    options: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """What was asked for: `budget_s`, `candidates`."""
    dataset_version: Mapped[int | None]
    leaderboard: Mapped[list[Any]] = mapped_column(default=list)
    gate: Mapped[dict[str, Any] | None]
    champion: Mapped[str | None]
    """The version that held the stage when the gate decided: counts the gates against it."""
    version: Mapped[str | None]
    error: Mapped[str | None]
    cancel_requested: Mapped[bool] = mapped_column(default=False)
    traceparent: Mapped[str | None] = mapped_column(default=current_traceparent)
    """The W3C header that continues the trace of the request which made it; a run that nobody
    asked for begins one of its own."""
    created_at: Mapped[datetime] = mapped_column(default=now)
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]

    @property
    def trace_id(self) -> str | None:
        """The id of its trace, 32 hex digits."""
        return trace_id_of(self.traceparent)


class RunResultRow(Base):
    """A run's result other than a version: beside its row, because lists of runs do not show it."""

    __tablename__ = "run_results"
    __table_args__ = (ForeignKeyConstraint(["run"], ["runs.id"]),)

    run: Mapped[str] = mapped_column(primary_key=True)
    result: Mapped[dict[str, Any]]


class RunEventRow(Base):
    """What happened in a run, in order; also its log."""

    __tablename__ = "run_events"
    __table_args__ = (ForeignKeyConstraint(["run"], ["runs.id"]),)

    run: Mapped[str] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True)
    type: Mapped[str]
    """`status`, `step`, `metric`, `log` or `hyperparameters`."""
    body: Mapped[dict[str, Any]]
    at: Mapped[datetime] = mapped_column(default=now)


class FeedbackRow(Base):
    """One person's feedback on one prediction. Append-only: a changed mind is a later row.

    It repeats what the score needs of its prediction, so that deciding never reads the predictions database.
    """

    __tablename__ = "judgements"  # the name that stored databases have: renaming it would orphan their rows
    __table_args__ = (
        Index("judgements_of_a_prediction", "prediction"),
        Index("judgements_of_a_version", "model", "stage", "version", "seq"),
        Index(
            "judgements_asked_for",
            "model",
            "stage",
            "version",
            "seq",
            sqlite_where=text("asked"),
            postgresql_where=text("asked"),
        ),
        {"sqlite_autoincrement": True},
    )

    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    prediction: Mapped[str]
    model: Mapped[str]
    stage: Mapped[str]
    version: Mapped[str]
    pinned: Mapped[bool]
    """The caller chose the version: it does not count towards the stage's score."""
    asked: Mapped[bool]
    """The platform asked about this one; else the feedback was volunteered."""
    subject: Mapped[str]
    correct: Mapped[bool]
    label: Mapped[str | None]
    """The true label, if it is known: given, or implied by a binary answer or by `correct`."""
    value: Mapped[float | None]
    comment: Mapped[str | None]
    trusted: Mapped[bool] = mapped_column(default=False, server_default=false())
    """The rater was trusted when they gave it. Nobody vouches for feedback from before this was recorded."""
    own: Mapped[bool] = mapped_column(default=False, server_default=false())
    """The rater asked for the prediction. Feedback from before this was recorded breaks no tie."""
    belongs_to: Mapped[str | None]
    """The group that the prediction's input is of, if the model holds out groups and it was sent."""
    traceparent: Mapped[str | None] = mapped_column(default=current_traceparent)
    """The W3C header that continues the trace of the request which made it; absent from older ones."""
    at: Mapped[datetime] = mapped_column(default=now)

    @property
    def trace_id(self) -> str | None:
        """The id of its trace, 32 hex digits."""
        return trace_id_of(self.traceparent)


class DecisionRow(Base):
    """One evaluation of the score by the controller, and what it concluded, in words."""

    __tablename__ = "decisions"
    __table_args__ = (Index("decisions_of_a_model", "model", "stage", "id"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    model: Mapped[str]
    stage: Mapped[str]
    version: Mapped[str]
    state: Mapped[str]
    reason: Mapped[str]
    score: Mapped[dict[str, Any]]
    run: Mapped[str | None]
    """The run it opened, if it did."""
    at: Mapped[datetime] = mapped_column(default=now)


class WatchRow(Base):
    """The watch over one promotion: whether the predecessor answers better after all."""

    __tablename__ = "watches"

    promotion: Mapped[str] = mapped_column(primary_key=True)
    model: Mapped[str]
    stage: Mapped[str]
    version: Mapped[str]
    predecessor: Mapped[str]
    since_seq: Mapped[int]
    """The number of the last feedback before the promotion."""
    looks: Mapped[list[Any]] = mapped_column(default=list)
    """Each check's counts, p-value and conclusion; stored under the name the checks once had."""
    state: Mapped[str] = mapped_column(default="open")
    """`open`, `passed`, `rolled_back`, `alerted`, or `superseded` by a later ledger entry."""
    at: Mapped[datetime] = mapped_column(default=now)


class DestinationRow(Base):
    """Where notifications go; what is secret about it is encrypted (`notifications/vault.py`)."""

    __tablename__ = "notification_destinations"
    __table_args__ = (UniqueConstraint("name"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    kind: Mapped[str]
    """`webhook` or `apprise`."""
    address: Mapped[str]
    """Encrypted: the address of most services is a credential itself."""
    secret: Mapped[str | None]
    """Encrypted: what a webhook is signed with."""
    shown: Mapped[str]
    """As much of the address as anybody may see."""
    events: Mapped[list[Any]]
    """The types of events that it wants (`notifications/events.py: EventType`)."""
    active: Mapped[bool] = mapped_column(default=True)
    problem: Mapped[str | None]
    """Why the platform switched it off, if it did."""
    subject: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default=now)


class NotificationRow(Base):
    """An event that at least one destination is told of, written in the transaction that made it happen."""

    __tablename__ = "notifications"
    __table_args__ = (Index("notifications_by_age", "at"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    """The same however often the event is recorded and sent: receivers recognise a repetition by it."""
    type: Mapped[str]
    stage: Mapped[str]
    model: Mapped[str]
    """Empty for an event that belongs to a dataset, and for a test."""
    version: Mapped[str | None]
    run: Mapped[str | None]
    traceparent: Mapped[str | None] = mapped_column(default=current_traceparent)
    """The W3C header of the trace in which it happened; absent if it was in none."""
    message: Mapped[str]
    at: Mapped[datetime] = mapped_column(default=now)


class DeliveryRow(Base):
    """One notification on its way to one destination: waiting → delivered or given up."""

    __tablename__ = "notification_deliveries"
    __table_args__ = (Index("notification_deliveries_due", "state", "next_at"),)

    notification: Mapped[str] = mapped_column(primary_key=True)
    destination: Mapped[str] = mapped_column(primary_key=True)
    state: Mapped[str] = mapped_column(default="waiting")
    """`waiting`, `delivered` or `given_up`."""
    attempts: Mapped[int] = mapped_column(default=0)
    next_at: Mapped[datetime | None] = mapped_column(default=now)
    """When the next attempt is due, while it waits."""
    attempted_at: Mapped[datetime | None]
    error: Mapped[str | None]
    """What went wrong at the last attempt."""


class DriftReportRow(Base):
    """One comparison of recent predictions with the training data of the version that answered them."""

    __tablename__ = "drift_reports"
    __table_args__ = (Index("drift_reports_of_a_model", "model", "stage", "at"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    """The id of the run that made it."""
    model: Mapped[str]
    stage: Mapped[str]
    version: Mapped[str]
    verdict: Mapped[str]
    """`drift`, `no_drift` or `no_verdict`."""
    reason: Mapped[str]
    rows: Mapped[int]
    """Recent predictions compared."""
    reference_rows: Mapped[int]
    last_prediction: Mapped[str]
    """The id of the newest of them: later ones are counted until the next report is due; empty for none."""
    features: Mapped[list[Any]]
    """`statistics/drift.py: Comparison`, one for each feature."""
    left_out: Mapped[dict[str, Any]]
    """Inputs that are not compared, and why."""
    news: Mapped[list[Any]]
    """Features that drifted and that no earlier report on this version named: people are told of these."""
    consequence: Mapped[str]
    """What followed from it, in words."""
    run: Mapped[str | None]
    """The training run that it opened, if it did."""
    page: Mapped[str | None]
    """The key of its HTML page in the report store."""
    at: Mapped[datetime] = mapped_column(default=now)


class IdempotencyRow(Base):
    """The answer given to one `Idempotency-Key`, stored in the transaction that did the work."""

    __tablename__ = "idempotency"
    __table_args__ = (Index("idempotency_by_age", "at"),)

    subject: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    body_sha256: Mapped[str]
    status: Mapped[int]
    response: Mapped[dict[str, Any]]
    at: Mapped[datetime] = mapped_column(default=now)

"""Background work of any kind, and what happened in it."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKeyConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from data_processor.rows.base import Base
from data_processor.service.database import now
from data_processor.service.trace_context import current_traceparent, trace_id_of

OPEN_RUN = ("queued", "running")
"""The statuses of an open run: a model has at most one open training run."""


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

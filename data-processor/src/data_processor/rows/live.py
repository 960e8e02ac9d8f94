"""Live runs: what they learn with, what people told them, and the checkpoints they can go back to."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKeyConstraint
from sqlalchemy.orm import Mapped, mapped_column

from data_processor.rows.base import Base
from data_processor.service.database import now


class LiveRunRow(Base):
    """What a live run is, beside its row among all runs, and where it stands."""

    __tablename__ = "live_runs"
    __table_args__ = (ForeignKeyConstraint(["run"], ["runs.id"]),)

    run: Mapped[str] = mapped_column(primary_key=True)
    estimator: Mapped[str]
    vectorizer: Mapped[str | None]
    hyperparameters: Mapped[dict[str, Any]]
    """Those in force."""
    first_hyperparameters: Mapped[dict[str, Any]]
    """Those that it began with."""
    epochs: Mapped[int]
    """The epoch after which it ends."""
    state: Mapped[str] = mapped_column(default="waiting")
    why: Mapped[str | None]
    epoch: Mapped[int] = mapped_column(default=0)
    """Whole epochs that it learnt, those before a fork among them."""
    metric: Mapped[str | None]
    best_epoch: Mapped[int | None]
    best_value: Mapped[float | None]
    parent: Mapped[str | None]
    """The live run that it was forked from."""
    parent_epoch: Mapped[int] = mapped_column(default=0)
    parent_row: Mapped[int] = mapped_column(default=0)
    """The rows of that epoch that were learnt before the fork."""
    parent_change: Mapped[int | None]
    """The number of the parent's change just before which the fork is."""
    replay: Mapped[bool] = mapped_column(default=False)
    """It repeats the parent's later changes."""
    pause_at: Mapped[int | None]
    """The epoch after which it pauses, if somebody asked for so many steps."""
    diverged: Mapped[dict[str, Any] | None]
    paused_at: Mapped[datetime | None]


class LiveCommandRow(Base):
    """What a person told a live run; kept before it is answered, so that nothing is lost."""

    __tablename__ = "live_commands"
    __table_args__ = (ForeignKeyConstraint(["run"], ["live_runs.run"]),)

    run: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    """`hyperparameters`, `pause`, `resume`, `step` or `stop`."""
    body: Mapped[dict[str, Any]] = mapped_column(default=dict)
    subject: Mapped[str]
    at: Mapped[datetime] = mapped_column(default=now)
    done_at: Mapped[datetime | None]
    change: Mapped[int | None]
    """The number of the change of hyperparameters that it became: 1, 2, 3 …"""
    changes: Mapped[dict[str, Any] | None]
    """By hyperparameter `{"from", "to"}`."""
    epoch: Mapped[int | None]
    row: Mapped[int | None]
    """Where the run stood: whole epochs, and rows of the next one."""
    seq: Mapped[int | None]
    """The number of the event that tells of it."""


class LiveCheckpointRow(Base):
    """A state that a live run can go on from."""

    __tablename__ = "live_checkpoints"
    __table_args__ = (ForeignKeyConstraint(["run"], ["live_runs.run"]),)

    run: Mapped[str] = mapped_column(primary_key=True)
    epoch: Mapped[int] = mapped_column(primary_key=True)
    row: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str]
    """Where its arrays are in the object store."""
    sha256: Mapped[str]
    weights: Mapped[str]
    """The SHA-256 of the weights alone."""
    lasting: Mapped[bool] = mapped_column(default=False)
    """It stands before a change, at the beginning or at the end; others make room for later ones."""
    at: Mapped[datetime] = mapped_column(default=now)

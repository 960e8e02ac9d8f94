"""Models, their versions, and the ledger."""

from datetime import datetime
from typing import Any

from sqlalchemy import UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column

from data_processor.rows.base import Base
from data_processor.service.database import now
from data_processor.service.trace_context import current_traceparent, trace_id_of


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

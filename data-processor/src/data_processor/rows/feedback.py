"""Feedback, what the controller concluded from it, and the watch over promotions."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, false, text
from sqlalchemy.orm import Mapped, mapped_column

from data_processor.rows.base import Base
from data_processor.service.database import now
from data_processor.service.trace_context import current_traceparent, trace_id_of


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

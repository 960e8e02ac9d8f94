"""Drift reports."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from data_processor.rows.base import Base
from data_processor.service.database import now


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

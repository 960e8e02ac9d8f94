"""Answers that are given again to whoever repeats a request."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from data_processor.rows.base import Base
from data_processor.service.database import now


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

"""Notifications: where they go, what is told, and how far each got."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from data_processor.rows.base import Base
from data_processor.service.database import now
from data_processor.service.trace_context import current_traceparent


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
    revision: Mapped[int] = mapped_column(default=1, server_default="1")
    """One more with each change that somebody makes: whoever changes what they no longer see is told."""
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

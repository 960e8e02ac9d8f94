"""Delivers notifications: at least once, each until its receiver has it or it is given up.

    due            waiting, its destination active, its next attempt's time come
      │ a process sends up to ten of a destination, oldest first (`sender.py`)
      ├─ 2xx       delivered
      ├─ 410       the receiver wants nothing any more: the destination is switched off
      └─ otherwise waits for the next attempt, later each time; given up after some days

What a worker had not recorded when it died is sent again, with the same id. The poll itself waits for
nobody: each destination has at most one process, and a hanging receiver holds up only itself.
"""

import random
import threading
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import delete, select, update

from data_processor.database import Database
from data_processor.notifications.events import TEST
from data_processor.notifications.messages import Messages
from data_processor.notifications.sending import Attempt, Receiver, Send, Sender
from data_processor.notifications.vault import SealedError, Vault
from data_processor.rows import DeliveryRow, DestinationRow, NotificationRow
from data_processor.service.database import now
from data_processor.settings import Settings

BATCH = 10
SIDE_BY_SIDE = 4
"""The most destinations that are sent to at the same time."""
PAUSES_S = (5, 30, 120, 600, 1800, 3600, 2 * 3600, 4 * 3600)
"""Seconds until the second attempt, the third …; the last pause repeats."""
JITTER = 0.1
"""The share by which a pause is lengthened at random: a receiver that comes back is not overrun."""
KEEP_DAYS = 30
"""Days for which notifications are kept once nothing is to be done for them."""

log = structlog.get_logger(__name__)


class Deliveries:
    """What the leader of a stage's workers delivers."""

    def __init__(self, settings: Settings, database: Database, send: Send | None = None) -> None:
        """Deliver what the records database holds; `send` is the sender process by default."""
        self._database = database
        self._vault = Vault.of(settings)
        self._messages = Messages(settings)
        self._send = send or Sender(settings.notification_networks).send
        self._patience = timedelta(days=settings.notifications_keep_trying_days)
        self._turn = threading.Lock()
        self._busy: set[str] = set()

    def poll(self) -> None:
        """Start to deliver what is due."""
        for destination in self._due():
            with self._turn:
                if destination in self._busy or len(self._busy) >= SIDE_BY_SIDE:
                    continue
                self._busy.add(destination)
            threading.Thread(target=self._work, args=(destination,), name="notify", daemon=True).start()

    def deliver(self, destination: str) -> None:
        """Send what is due to one destination, once, and record how that went."""
        with self._database.reading() as session:
            row = session.get(DestinationRow, destination)
            found = session.execute(
                select(NotificationRow)
                .join(DeliveryRow, DeliveryRow.notification == NotificationRow.id)
                .where(DeliveryRow.destination == destination, *_due_by(now()))
                .order_by(NotificationRow.at, NotificationRow.id)
                .limit(BATCH)
            )
            notifications = {one.id: one for (one,) in found}
        if row is None or not notifications:
            return
        try:
            receiver = Receiver(
                row.kind,
                self._vault.unseal(row.address),
                self._vault.unseal(row.secret) if row.secret else None,
            )
        except SealedError as error:
            attempts = dict.fromkeys(notifications, Attempt(str(error)))
        else:
            messages = [self._messages.message(one) for one in notifications.values()]
            attempts = self._send(receiver, messages)
        self._record(row, notifications, attempts)

    def sweep(self) -> None:
        """Give up what has waited too long for a destination that is switched off, and forget what is old."""
        too_old, forgotten = now() - self._patience, now() - timedelta(days=KEEP_DAYS)
        old = select(NotificationRow.id).where(NotificationRow.at < too_old)
        older = select(NotificationRow.id).where(NotificationRow.at < forgotten)
        off = select(DestinationRow.id).where(~DestinationRow.active)
        with self._database.transaction() as session:
            session.execute(
                update(DeliveryRow)
                .where(
                    DeliveryRow.state == "waiting",
                    DeliveryRow.destination.in_(off),
                    DeliveryRow.notification.in_(old),
                )
                .values(state="given_up", next_at=None)
            )
            session.execute(
                delete(DeliveryRow).where(DeliveryRow.state != "waiting", DeliveryRow.notification.in_(older))
            )
            kept = select(DeliveryRow.notification)
            session.execute(
                delete(NotificationRow).where(NotificationRow.at < forgotten, NotificationRow.id.not_in(kept))
            )

    def _work(self, destination: str) -> None:
        try:
            self.deliver(destination)
        except Exception:
            log.exception("notification_failed", destination=destination)
        finally:
            with self._turn:
                self._busy.discard(destination)

    def _due(self) -> list[str]:
        with self._database.reading() as session:
            return list(
                session.scalars(
                    select(DeliveryRow.destination)
                    .join(DestinationRow, DestinationRow.id == DeliveryRow.destination)
                    .where(DestinationRow.active, *_due_by(now()))
                    .distinct()
                )
            )

    def _record(
        self, row: DestinationRow, notifications: dict[str, NotificationRow], attempts: dict[str, Attempt]
    ) -> None:
        """Record attempts; what meanwhile was deleted or delivered by another leader stays as it is."""
        with self._database.transaction() as session:
            query = select(DeliveryRow).where(
                DeliveryRow.destination == row.id,
                DeliveryRow.notification.in_(attempts),
                DeliveryRow.state == "waiting",
            )
            for delivery in session.scalars(self._database.lock(query)):
                one, attempt = notifications[delivery.notification], attempts[delivery.notification]
                delivery.attempts += 1
                delivery.attempted_at, delivery.error = now(), attempt.error
                told = {"destination": row.name, "notification": one.id, "kind": one.type}
                if attempt.error is None:
                    delivery.state, delivery.next_at = "delivered", None
                    log.info("notification_delivered", **told, attempts=delivery.attempts)
                    continue
                delivery.next_at = _next(delivery.attempts, attempt)
                if attempt.gone or one.type == TEST or delivery.next_at > one.at + self._patience:
                    delivery.state, delivery.next_at = "given_up", None
                    log.warning(
                        "notification_given_up", **told, attempts=delivery.attempts, error=attempt.error
                    )
                else:
                    log.warning("notification_undelivered", **told, error=attempt.error)
            if any(attempt.gone for attempt in attempts.values()):
                session.execute(
                    update(DestinationRow)
                    .where(DestinationRow.id == row.id)
                    .values(active=False, problem="Its receiver answered 410: it wants nothing any more.")
                )
                log.warning("notification_destination_gone", destination=row.name)


def _due_by(time: datetime) -> Iterable[Any]:
    return DeliveryRow.state == "waiting", DeliveryRow.next_at <= time


def _next(attempts: int, attempt: Attempt) -> datetime:
    """Return when the next attempt is due."""
    pause = PAUSES_S[min(attempts, len(PAUSES_S)) - 1] * (1 + random.random() * JITTER)  # noqa: S311  # no secret
    return now() + timedelta(seconds=max(pause, attempt.retry_after or 0))

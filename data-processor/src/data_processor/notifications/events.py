"""Events that people may want to be told of, recorded in the transaction that makes them happen.

`record` writes the notification and a delivery for each destination that wants it: a transactional outbox.
Whoever rolls back has told nobody, and what was committed survives any crash until a worker has delivered it
(`deliveries.py`).
"""

from typing import Literal, get_args
from uuid import NAMESPACE_URL, uuid5

from sqlalchemy import select
from sqlalchemy.orm import Session

from data_processor.rows import DeliveryRow, DestinationRow, NotificationRow

EventType = Literal[
    "score.fell",
    "run.opened",
    "run.held",
    "run.rejected",
    "run.failed",
    "version.waiting",
    "version.promoted",
    "version.rolled_back",
    "watch.alerted",
    "retraining.paused",
    "drift.found",
]
"""Every event, a closed list.

    score.fell            the controller finds a score degraded that was not before
    run.opened            a training run is queued, by the platform or by a person
    run.held, rejected    it ended with this verdict of the gate
    run.failed            it failed, or other work failed that the platform had started
    version.waiting       the gate accepted a version that a maintainer has to promote
    version.promoted      the stage serves another version
    version.rolled_back   the stage serves again what it served before
    watch.alerted         a promoted version may be worse, and a maintainer has to decide
    retraining.paused     the circuit breaker has opened
    drift.found           recent inputs differ from those that the version was trained on
"""
EVENT_TYPES: tuple[EventType, ...] = get_args(EventType)
TEST = "test"
"""The type of what *Send a test* sends: no destination chooses it."""
MOST_CHARACTERS = 2000
"""The most of a message that is kept: chat services cut longer ones."""
_IDS = uuid5(NAMESPACE_URL, "https://loopkeeper.invalid/notifications")


def record(
    session: Session,
    event: EventType,
    *,
    stage: str,
    model: str,
    about: str,
    message: str,
    version: str | None = None,
    run: str | None = None,
) -> None:
    """Record an event in the caller's transaction, for each active destination that wants it.

    `about` identifies what happened, such as the id of a run or of a ledger entry: the same event about the
    same thing is recorded once, so a step that is repeated after a crash tells nobody twice.
    """
    active = session.scalars(select(DestinationRow).where(DestinationRow.active))
    wanting = [destination.id for destination in active if event in destination.events]
    notification = str(uuid5(_IDS, f"{event} {stage} {about}"))
    if not wanting or session.get(NotificationRow, notification) is not None:
        return
    session.add(
        NotificationRow(
            id=notification,
            type=event,
            stage=stage,
            model=model,
            version=version,
            run=run,
            message=message[:MOST_CHARACTERS],
        )
    )
    session.add_all(DeliveryRow(notification=notification, destination=one) for one in wanting)
    session.flush()

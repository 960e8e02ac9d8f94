"""Which gateway has which session at the broker.

The broker keeps a session's requests while nobody is connected, and sends it its share of new ones even then.
So a session must not be left alone: each has a number, and a gateway that holds it for the next seconds. When
its gateway dies, another takes it over: the next that starts, or one that runs, which then ends it.
"""

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from pipeline_api.database import Database, MqttSessionRow, RevisionRow
from pipeline_api.service.database import now

LEASE_S = 6.0
RENEW_S = 2.0


class Leases:
    """The sessions, as one gateway sees them. Every method is one transaction and blocks."""

    def __init__(self, database: Database, holder: str) -> None:
        """Work for a gateway."""
        self._database = database
        self._holder = holder

    def take(self) -> int:
        """Hold a session that nobody holds, or a new one; return its number."""
        with self._database.transaction() as session:
            _one_at_a_time(session)
            rows = {row.number: row for row in session.scalars(select(MqttSessionRow))}
            free = [number for number, row in rows.items() if row.until <= now()]
            if free:
                return self._hold(rows[min(free)])
            number = next(number for number in range(1, len(rows) + 2) if number not in rows)
            session.add(MqttSessionRow(number=number, holder=self._holder, until=_later()))
            return number

    def take_abandoned(self) -> int | None:
        """Hold a session whose gateway is gone, if there is one; return its number."""
        with self._database.transaction() as session:
            _one_at_a_time(session)
            free = select(MqttSessionRow).where(MqttSessionRow.until <= now()).limit(1)
            row = session.scalar(free)
            return None if row is None else self._hold(row)

    def renew(self) -> set[int]:
        """Keep what this gateway holds; return its numbers."""
        with self._database.transaction() as session:
            rows = session.scalars(select(MqttSessionRow).where(MqttSessionRow.holder == self._holder))
            return {self._hold(row) for row in rows}

    def alone(self) -> bool:
        """Tell whether no other gateway holds a session."""
        with self._database.reading() as session:
            others = select(MqttSessionRow.number).where(
                MqttSessionRow.holder != self._holder, MqttSessionRow.until > now()
            )
            return session.scalar(others.limit(1)) is None

    def free(self, number: int, *, ended: bool) -> None:
        """Hold a session no longer; it is gone if it was `ended` at the broker, else the next may have it."""
        with self._database.transaction() as session:
            row = session.get(MqttSessionRow, number)
            if row is None or row.holder != self._holder:
                return
            if ended:
                session.delete(row)
            else:
                row.until = now()

    def _hold(self, row: MqttSessionRow) -> int:
        row.holder = self._holder
        row.until = _later()
        return row.number


def _one_at_a_time(session: Session) -> None:
    """Have other gateways wait until this is done: two that start together get different numbers."""
    session.get_one(RevisionRow, 1, with_for_update=True)


def _later() -> datetime:
    return now() + timedelta(seconds=LEASE_S)

"""Slow down whoever guesses passwords, without locking their victim out from elsewhere.

Failures are counted per username and address, in the database, so that neither a restart nor a second
replica forgets them. The first few are free, then each doubles the time until that pair may be tried again.
Attempts on one pair are handled one after the other: many at once cannot evade the count.
"""

import asyncio
import hashlib
import ipaddress
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from weakref import WeakValueDictionary

from anyio import to_thread
from sqlalchemy import delete, select

from pipeline_api.database import Database, FailedSignInRow
from pipeline_api.service.database import now
from pipeline_api.service.errors import TooManyRequests, Unauthenticated

FREE_FAILURES = 4
MAX_WAIT_S = 300
FORGIVEN_AFTER = timedelta(hours=1)
MAX_ROWS = 10_000
"""Pairs that are kept; beyond that the oldest failures are deleted."""
_WAITING = 64
"""Attempts on one pair that may wait for their turn."""


class _Turn(asyncio.Lock):
    """The right to be the one attempt on a pair that is being handled."""

    waiting = 0


class SignInThrottle:
    """Admit attempts to sign in, or raise 429."""

    def __init__(self, database: Database) -> None:
        """Count in a database."""
        self._database = database
        self._turns: WeakValueDictionary[str, _Turn] = WeakValueDictionary()

    @asynccontextmanager
    async def attempt(self, username: str, address: str) -> AsyncIterator[None]:
        """Handle one attempt inside: `Unauthenticated` counts as a failure, success forgives all failures."""
        key = _pair(username, address)
        turn = self._turns.setdefault(key, _Turn())
        if turn.waiting >= _WAITING:
            raise TooManyRequests(
                "There are too many attempts to sign in as this user at once.", retry_after=1
            )
        turn.waiting += 1
        try:
            async with turn:
                failures = await to_thread.run_sync(self._failures, key)
                try:
                    yield
                except Unauthenticated:
                    await to_thread.run_sync(self._failed, key)
                    raise
                if failures:
                    await to_thread.run_sync(self._forgive, key)
        finally:
            turn.waiting -= 1

    def _failures(self, key: str) -> int:
        with self._database.reading() as session:
            row = session.get(FailedSignInRow, key)
        if row is None or row.at < now() - FORGIVEN_AFTER:
            return 0
        wait = (row.blocked_until - now()).total_seconds()
        if wait > 0:
            raise TooManyRequests(
                "Too many failed attempts to sign in; wait before you try again.", retry_after=wait
            )
        return row.failures

    def _failed(self, key: str) -> None:
        current = now()
        with self._database.transaction() as session:
            forgotten = delete(FailedSignInRow).where(FailedSignInRow.at < current - FORGIVEN_AFTER)
            session.execute(forgotten)
            newest = select(FailedSignInRow.key).order_by(FailedSignInRow.at.desc())
            surplus = list(session.scalars(newest.offset(MAX_ROWS - 1)))
            if surplus:
                session.execute(delete(FailedSignInRow).where(FailedSignInRow.key.in_(surplus)))
            self._database.insert_if_absent(
                session, FailedSignInRow, key=key, failures=0, blocked_until=current, at=current
            )
            row = session.get_one(FailedSignInRow, key, with_for_update=True)
            row.failures += 1
            row.at = current
            row.blocked_until = current + timedelta(seconds=wait_after(row.failures))

    def _forgive(self, key: str) -> None:
        with self._database.transaction() as session:
            session.execute(delete(FailedSignInRow).where(FailedSignInRow.key == key))


def wait_after(failures: int) -> float:
    """Return how many seconds a pair is blocked after so many failures: 0, then 1, 2, 4 … 300."""
    if failures <= FREE_FAILURES:
        return 0
    return float(min(MAX_WAIT_S, 2 ** min(failures - FREE_FAILURES - 1, 30)))


def _pair(username: str, address: str) -> str:
    # With the length in front, no two pairs make the same text.
    text = f"{len(username)}:{username}{network_of(address)}"
    return hashlib.sha256(text.encode()).hexdigest()


def network_of(address: str) -> str:
    """Return what counts as one address: an IPv6 customer has a whole /64 of them."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        mapped = parsed.ipv4_mapped
        return str(mapped) if mapped else str(ipaddress.ip_network((int(parsed), 64), strict=False))
    return str(parsed)

"""Slow down whoever guesses passwords, without locking their victim out.

Failures are counted in the database, so that neither a restart nor a second replica forgets them:

    a name from a place    a few are free, then each doubles the time until that pair may be tried again
    a place                for any names: many more are free, as a whole office may share an address
    a name from anywhere   beyond what one person mistypes, attempts from places where the name has never
                           signed in take turns, so many seconds apart; those from its own do not wait

So whoever has many addresses is slowed down, and the owner of a name is let in: at once from where they have
signed in before, after a few seconds from elsewhere. Attempts on one pair are handled one after the other:
many at once cannot evade the count.
"""

import asyncio
import hashlib
import ipaddress
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import NamedTuple
from weakref import WeakValueDictionary

from anyio import sleep, to_thread
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from pipeline_api.database import Database, FailedSignInRow, SignInPlaceRow
from pipeline_api.service.database import now
from pipeline_api.service.errors import TooManyRequests, Unauthenticated

FREE_FAILURES = 4
MAX_WAIT_S = 300
FREE_FAILURES_OF_A_PLACE = 50
MAX_WAIT_OF_A_PLACE_S = 60
FREE_FAILURES_OF_A_NAME = 100
TURN_S = 2.0
"""Between two attempts on a name that is guessed from everywhere."""
LONGEST_QUEUE_S = 10.0
"""Shorter than the pages wait for an answer."""
FORGIVEN_AFTER = timedelta(hours=1)
PLACE_KEPT = timedelta(days=90)
_SEEN_AGAIN = timedelta(days=1)
MAX_ROWS = 10_000
"""Rows that are kept of failures, and of places; beyond that the oldest are deleted."""
_WAITING = 64
"""Attempts on one pair that may wait for their turn."""


class _Turn(asyncio.Lock):
    """The right to be the one attempt on a pair that is being handled."""

    waiting = 0


class _Keys(NamedTuple):
    """Under which an attempt is counted."""

    pair: str
    place: str
    name: str


class SignInThrottle:
    """Admit attempts to sign in, or raise 429."""

    def __init__(self, database: Database, pause: Callable[[float], Awaitable[None]] = sleep) -> None:
        """Count in a database; `pause` lets seconds pass."""
        self._database = database
        self._pause = pause
        self._turns: WeakValueDictionary[str, _Turn] = WeakValueDictionary()

    @asynccontextmanager
    async def attempt(self, username: str, address: str) -> AsyncIterator[None]:
        """Handle one attempt inside: `Unauthenticated` counts as a failure, success forgives the pair's."""
        place = network_of(address)
        keys = _Keys(_digest("", username, place), _digest("place", place), _digest("name", username))
        turn = self._turns.setdefault(keys.pair, _Turn())
        if turn.waiting >= _WAITING:
            raise TooManyRequests(
                "There are too many attempts to sign in as this user at once.", retry_after=1
            )
        turn.waiting += 1
        try:
            async with turn:
                wait = await to_thread.run_sync(self._admit, keys)
                if wait > 0:
                    await self._pause(wait)
                try:
                    yield
                except Unauthenticated:
                    await to_thread.run_sync(self._failed, keys)
                    raise
                await to_thread.run_sync(self._succeeded, keys.pair)
        finally:
            turn.waiting -= 1

    def forget(self, username: str) -> None:
        """Forget the failures of a name from everywhere; those of a place with it remain."""
        with self._database.transaction() as session:
            session.execute(delete(FailedSignInRow).where(FailedSignInRow.key == _digest("name", username)))

    def _admit(self, keys: _Keys) -> float:
        """Return the seconds to wait before an attempt; raise 429 if it must not be made now."""
        current = now()
        with self._database.reading() as session:
            for key in (keys.pair, keys.place):
                row = _recent(session, key, current)
                wait = (row.blocked_until - current).total_seconds() if row else 0
                if wait > 0:
                    raise TooManyRequests(
                        "Too many failed attempts to sign in; wait before you try again.", retry_after=wait
                    )
            name = _recent(session, keys.name, current)
            if name is None or name.failures <= FREE_FAILURES_OF_A_NAME:
                return 0
            known = session.get(SignInPlaceRow, keys.pair)
            if known is not None and known.at >= current - PLACE_KEPT:
                return 0
        return self._take_turn(keys.name, current)

    def _take_turn(self, key: str, current: datetime) -> float:
        """Take the next turn of a name that is guessed from everywhere; return the seconds until then."""
        with self._database.transaction() as session:
            row = session.get(FailedSignInRow, key, with_for_update=True)
            if row is None:  # deleted meanwhile
                return 0
            wait = max(0.0, (row.blocked_until - current).total_seconds())
            if wait > LONGEST_QUEUE_S:
                raise TooManyRequests(
                    "Somebody is guessing this user's password from many places. Try again, or sign in from"
                    " where you have signed in before.",
                    retry_after=wait,
                )
            row.blocked_until = current + timedelta(seconds=wait + TURN_S)
            return wait

    def _failed(self, keys: _Keys) -> None:
        current = now()
        with self._database.transaction() as session:
            forgotten = delete(FailedSignInRow).where(FailedSignInRow.at < current - FORGIVEN_AFTER)
            session.execute(forgotten)
            newest = select(FailedSignInRow.key).order_by(FailedSignInRow.at.desc())
            surplus = list(session.scalars(newest.offset(MAX_ROWS - len(keys))))
            if surplus:
                session.execute(delete(FailedSignInRow).where(FailedSignInRow.key.in_(surplus)))
            pair = self._count(session, keys.pair, current)
            pair.blocked_until = current + timedelta(seconds=wait_after(pair.failures))
            place = self._count(session, keys.place, current)
            wait = wait_after(place.failures, FREE_FAILURES_OF_A_PLACE, MAX_WAIT_OF_A_PLACE_S)
            place.blocked_until = current + timedelta(seconds=wait)
            self._count(session, keys.name, current)

    def _count(self, session: Session, key: str, current: datetime) -> FailedSignInRow:
        self._database.insert_if_absent(
            session, FailedSignInRow, key=key, failures=0, blocked_until=current, at=current
        )
        row = session.get_one(FailedSignInRow, key, with_for_update=True)
        row.failures += 1
        row.at = current
        return row

    def _succeeded(self, pair: str) -> None:
        """Forgive a pair's failures, and remember that the name belongs to the place."""
        current = now()
        with self._database.reading() as session:
            failed = session.get(FailedSignInRow, pair) is not None
            known = session.get(SignInPlaceRow, pair)
            if not failed and known is not None and known.at > current - _SEEN_AGAIN:
                return
        with self._database.transaction() as session:
            session.execute(delete(FailedSignInRow).where(FailedSignInRow.key == pair))
            session.merge(SignInPlaceRow(key=pair, at=current))
            newest = select(SignInPlaceRow.key).order_by(SignInPlaceRow.at.desc())
            surplus = list(session.scalars(newest.offset(MAX_ROWS)))
            if surplus:
                session.execute(delete(SignInPlaceRow).where(SignInPlaceRow.key.in_(surplus)))


def wait_after(failures: int, free: int = FREE_FAILURES, longest_s: float = MAX_WAIT_S) -> float:
    """Return how many seconds nobody may try after so many failures: 0 while free, then 1, 2, 4 … at most."""
    if failures <= free:
        return 0
    return float(min(longest_s, 2 ** min(failures - free - 1, 30)))


def _recent(session: Session, key: str, current: datetime) -> FailedSignInRow | None:
    row = session.get(FailedSignInRow, key)
    return None if row is None or row.at < current - FORGIVEN_AFTER else row


def _digest(kind: str, *parts: str) -> str:
    # With lengths in front, no two counts make the same text.
    text = kind + "".join(f"{len(part)}:{part}" for part in parts)
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

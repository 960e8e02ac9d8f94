"""Which requests were done, and what was answered: so each is done once, also over a crash.

    claim ─▶ do it ─▶ keep the answer ─▶ publish ─▶ note that it was published

Many requests share a transaction: those that come while one is being written are in the next.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from anyio import to_thread
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from pipeline_api.database import Database, MqttRequestRow, MqttSessionRow
from pipeline_api.service.database import now

_AT_ONCE = 256
_TIDY_EVERY = timedelta(minutes=10)
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a request that came before."""

    answer: bytes | None
    """None while another gateway works on it."""
    published_at: datetime | None
    elsewhere: bool = False
    """Another gateway, which is alive, has it."""


class Journal:
    """The requests of the last hours."""

    def __init__(self, database: Database, holder: str, keep: timedelta) -> None:
        """Write on behalf of `holder`, this gateway; forget requests after `keep`."""
        self._database = database
        self._holder = holder
        self._keep = keep
        self._tidied = now() - _TIDY_EVERY
        self._waiting: asyncio.Queue[tuple[str, Callable[[Session], Any], asyncio.Future[Any]]] = (
            asyncio.Queue()
        )

    async def claim(self, digest: str) -> Known | None:
        """Claim a request for this gateway; return None if it is now ours to do, else what is known of it."""

        def work(session: Session) -> Known | None:
            inserted = self._database.insert_if_absent(
                session, MqttRequestRow, digest=digest, holder=self._holder
            )
            if inserted:
                return None
            row = session.get_one(MqttRequestRow, digest, with_for_update=True)
            elsewhere = self._has_another(session, row.holder)
            if row.answer is None and not elsewhere:
                row.holder = self._holder
                row.at = now()
                return None
            return Known(row.answer, row.published_at, elsewhere)

        return await self._write(digest, work)

    async def keep(self, digest: str, answer: bytes) -> None:
        """Keep the answer to a request; it is on disk when this returns."""

        def work(session: Session) -> None:
            row = session.get(MqttRequestRow, digest)
            if row is not None:
                row.answer = answer

        await self._write(digest, work)

    async def release(self, digest: str) -> None:
        """Give up a claim: whoever gets the request again may do it."""

        def work(session: Session) -> None:
            row = session.get(MqttRequestRow, digest)
            if row is not None and row.answer is None:
                session.delete(row)

        await self._write(digest, work)

    async def published(self, digest: str) -> None:
        """Note that the broker took the answer to a request."""

        def work(session: Session) -> None:
            row = session.get(MqttRequestRow, digest)
            if row is not None:
                row.published_at = now()

        await self._write(digest, work)

    async def run(self) -> None:
        """Write until cancelled."""
        while True:
            batch = [await self._waiting.get()]
            while len(batch) < _AT_ONCE and not self._waiting.empty():
                batch.append(self._waiting.get_nowait())
            batch.sort(key=lambda one: one[0])  # two gateways lock rows in the same order
            try:
                results = await to_thread.run_sync(self._commit, [work for _, work, _ in batch])
            except Exception as error:  # noqa: BLE001  # it belongs to those who wait
                for _, _, future in batch:
                    if not future.done():
                        future.set_exception(error)
            else:
                for (_, _, future), result in zip(batch, results, strict=True):
                    if not future.done():
                        future.set_result(result)

    def _commit(self, batch: list[Callable[[Session], Any]]) -> list[Any]:
        with self._database.transaction() as session:
            results = []
            for work in batch:
                results.append(work(session))
                session.flush()
            if now() - self._tidied > _TIDY_EVERY:
                session.execute(delete(MqttRequestRow).where(MqttRequestRow.at < now() - self._keep))
        if now() - self._tidied > _TIDY_EVERY:
            self._tidied = now()
        return results

    def _has_another(self, session: Session, holder: str) -> bool:
        """Tell whether a holder is another gateway, and alive."""
        if holder == self._holder:
            return False
        alive = select(MqttSessionRow.number).where(
            MqttSessionRow.holder == holder, MqttSessionRow.until > now()
        )
        return session.scalar(alive) is not None

    async def _write(self, digest: str, work: Callable[[Session], _T]) -> _T:
        future: asyncio.Future[_T] = asyncio.get_running_loop().create_future()
        self._waiting.put_nowait((digest, work, future))
        return await future

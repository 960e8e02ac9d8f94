import asyncio
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import pytest
from sqlalchemy import update

from pipeline_api.database import Database, MqttRequestRow, MqttSessionRow
from pipeline_api.mqtt.journal import Journal, Known
from pipeline_api.mqtt.leases import Leases
from pipeline_api.service.database import now

T = TypeVar("T")


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = Database(f"sqlite:///{tmp_path / 'gateway.db'}")
    made.create_tables()
    yield made
    made.close()


def with_journal(database: Database, holder: str, work: Callable[[Journal], Awaitable[T]]) -> T:
    """Do something with the journal of a gateway that runs."""

    async def run() -> T:
        journal = Journal(database, holder, timedelta(hours=1))
        writing = asyncio.create_task(journal.run())
        try:
            return await work(journal)
        finally:
            writing.cancel()

    return asyncio.run(run())


def test_a_request_is_claimed_once_and_its_answer_kept(database: Database) -> None:
    async def work(journal: Journal) -> list[Known | None]:
        first = await journal.claim("a")
        await journal.keep("a", b"answer")
        second = await journal.claim("a")
        await journal.published("a")
        return [first, second, await journal.claim("a")]

    first, second, third = with_journal(database, "one", work)

    assert first is None
    assert second == Known(b"answer", None)
    assert third is not None
    assert third.published_at is not None


def test_a_claim_that_is_given_up_is_free_and_an_answer_stays(database: Database) -> None:
    Leases(database, "one").take()

    async def work(journal: Journal) -> None:
        for digest in ("failed", "done"):
            await journal.claim(digest)
        await journal.keep("done", b"answer")
        for digest in ("failed", "done"):
            await journal.release(digest)

    with_journal(database, "one", work)

    assert with_journal(database, "other", lambda journal: journal.claim("failed")) is None
    assert with_journal(database, "other", lambda journal: journal.claim("done")) == Known(
        b"answer", None, elsewhere=True
    )


def test_what_another_gateway_works_on_is_left_to_it_until_it_is_gone(database: Database) -> None:
    Leases(database, "one").take()
    with_journal(database, "one", lambda journal: journal.claim("a"))

    assert with_journal(database, "other", lambda journal: journal.claim("a")) == Known(
        None, None, elsewhere=True
    )
    with database.transaction() as session:
        session.execute(update(MqttSessionRow).values(until=now() - timedelta(seconds=1)))
    assert with_journal(database, "other", lambda journal: journal.claim("a")) is None
    assert with_journal(database, "one", lambda journal: journal.claim("b")) is None


def test_many_at_once_share_a_transaction_and_each_gets_its_own(database: Database) -> None:
    async def work(journal: Journal) -> list[Known | None]:
        return await asyncio.gather(*(journal.claim(f"{number % 50}") for number in range(100)))

    claimed = with_journal(database, "one", work)

    assert len(claimed) == 100
    with database.reading() as session:
        assert session.query(MqttRequestRow).count() == 50


def test_old_requests_are_forgotten(database: Database) -> None:
    with database.transaction() as session:
        session.add(MqttRequestRow(digest="old", holder="one", at=now() - timedelta(hours=2)))

    with_journal(database, "one", lambda journal: journal.claim("new"))

    with database.reading() as session:
        assert session.get(MqttRequestRow, "old") is None


def test_an_error_of_the_database_is_that_of_whoever_waits(database: Database) -> None:
    MqttRequestRow.__table__.drop(database.engine)  # type: ignore[attr-defined]  # it is a table

    with pytest.raises(Exception, match="no such table"):
        with_journal(database, "one", lambda journal: journal.claim("a"))


def test_answers_that_were_sent_are_forgotten_out_of_the_file_and_others_stay(
    database: Database, tmp_path: Path
) -> None:
    async def work(journal: Journal) -> None:
        for digest, answer in (("sent", b"Quetzalcoatl"), ("waiting", b"not yet sent")):
            await journal.claim(digest)
            await journal.keep(digest, answer)
        await journal.published("sent")

    with_journal(database, "one", work)
    database.forget_answers()
    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir())

    assert b"Quetzalcoatl" not in kept
    assert b"not yet sent" in kept

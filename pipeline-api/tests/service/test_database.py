import resource
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import ForeignKey, event, func, inspect, select, text
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from structlog.testing import capture_logs

from pipeline_api.service import database as module
from pipeline_api.service.database import Database, UtcDateTime, now
from pipeline_api.service.storage import EXHAUSTED, FULL, LOCKED, UNREACHABLE, outage

LOCK = 1


class Base(DeclarativeBase):
    type_annotation_map = {datetime: UtcDateTime}  # noqa: RUF012  # SQLAlchemy declares it as a plain class attribute


class CounterRow(Base):
    __tablename__ = "counters"

    name: Mapped[str] = mapped_column(primary_key=True)
    count: Mapped[int] = mapped_column(default=0)
    at: Mapped[datetime] = mapped_column(default=now)
    note: Mapped[str | None]


class ReadingRow(Base):
    __tablename__ = "readings"

    id: Mapped[int] = mapped_column(primary_key=True)
    counter: Mapped[str] = mapped_column(ForeignKey("counters.name"))


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'specimen.db'}"


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    database = Database(url)
    with database.migration(Base.metadata, LOCK) as session:
        session.add(CounterRow(name="ours"))
    yield database
    database.close()


def at_once(work: Callable[[], Any], times: int) -> list[Any]:
    with ThreadPoolExecutor(times) as threads:
        return [future.result() for future in [threads.submit(work) for _ in range(times)]]


def test_every_commit_is_on_disk_and_readers_do_not_wait(database: Database) -> None:
    with database.reading() as session:
        found = {name: session.scalar(text(f"PRAGMA {name}")) for name in ("journal_mode", "synchronous")}
    assert found == {"journal_mode": "wal", "synchronous": 2}


def test_a_timestamp_comes_back_in_utc(database: Database) -> None:
    noon_in_tokyo = datetime(2026, 1, 1, 12, tzinfo=timezone(timedelta(hours=9)))
    with database.transaction() as session:
        session.add(CounterRow(name="tokyo", at=noon_in_tokyo))
    with database.reading() as session:
        made, tokyo = (session.get_one(CounterRow, name).at for name in ("ours", "tokyo"))
    assert tokyo == noon_in_tokyo
    assert tokyo.tzinfo is made.tzinfo is UTC
    assert abs(made - now()) < timedelta(minutes=1)


def test_a_transaction_that_raises_leaves_nothing(database: Database) -> None:
    with suppress(ZeroDivisionError), database.transaction() as session:
        session.get_one(CounterRow, "ours").count = 1 // 0
    with suppress(ZeroDivisionError), database.transaction() as session:
        session.get_one(CounterRow, "ours").count = 7
        session.flush()
        raise ZeroDivisionError
    with database.reading() as session:
        assert session.get_one(CounterRow, "ours").count == 0


def test_what_is_read_in_a_transaction_is_still_true_when_it_writes(database: Database) -> None:
    def count() -> None:
        for _ in range(10):
            with database.transaction() as session:
                row = session.get_one(CounterRow, "ours")
                row.count = row.count + 1

    at_once(count, 4)

    with database.reading() as session:
        assert session.get_one(CounterRow, "ours").count == 40


def test_reading_does_not_wait_for_a_writer(database: Database) -> None:
    with database.transaction() as writer:
        writer.get_one(CounterRow, "ours").count = 1
        writer.flush()
        with database.reading() as reader:
            assert reader.get_one(CounterRow, "ours").count == 0


def test_a_row_refers_to_one_that_exists(database: Database) -> None:
    with pytest.raises(IntegrityError), database.transaction() as session:
        session.add(ReadingRow(id=1, counter="nobody's"))


def test_a_key_is_inserted_once(database: Database) -> None:
    def insert() -> bool:
        with database.transaction() as session:
            return database.insert_if_absent(session, CounterRow, name="wanted", count=0, at=now())

    assert sorted(at_once(insert, 4)) == [False, False, False, True]


def test_a_database_that_takes_data_is_writable_and_keeps_its_version(database: Database) -> None:
    with database.engine.begin() as connection:
        connection.execute(text("PRAGMA user_version=7"))
    database.check_writable()
    with database.reading() as session:
        assert session.scalar(text("PRAGMA user_version")) == 7


def delete_a_note(database: Database) -> None:
    """Write what is found again easily, and delete it."""
    with database.transaction() as session:
        session.add(CounterRow(name="theirs", note="Quetzalcoatl" * 50))
    with database.transaction() as session:
        session.delete(session.get_one(CounterRow, "theirs"))


def test_nothing_is_left_in_the_files_of_what_was_deleted(database: Database, tmp_path: Path) -> None:
    def leave_deleted(connection: Any, _record: object) -> None:
        connection.execute("PRAGMA secure_delete=OFF")  # some builds of SQLite begin with it on

    event.listen(database.engine, "connect", leave_deleted)
    module.overwrite_deleted(database.engine)
    database.engine.dispose()  # what is set holds for connections from now on
    delete_a_note(database)
    assert any(b"Quetzalcoatl" in path.read_bytes() for path in tmp_path.iterdir())
    module.leave_nothing(database.engine)
    assert not any(b"Quetzalcoatl" in path.read_bytes() for path in tmp_path.iterdir())
    with database.reading() as session:
        assert session.get(CounterRow, "ours") is not None


def test_it_is_said_when_a_reader_holds_up_the_emptying_of_the_log(url: str, database: Database) -> None:
    impatient = Database(url, busy_timeout_s=0.1)
    with database.reading() as session, capture_logs() as logged:
        session.execute(select(func.count()).select_from(CounterRow))
        delete_a_note(impatient)
        module.leave_nothing(impatient.engine)
    impatient.close()
    assert [one["event"] for one in logged] == ["write_ahead_log_not_emptied"]


def test_a_locked_database_is_not_writable(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PROBE_S", 0.01)
    with database.transaction(), pytest.raises(sqlite3.OperationalError) as failed:
        database.check_writable()
    assert outage(failed.value) is LOCKED


def test_a_database_whose_disk_takes_nothing_is_not_writable(database: Database, url: str) -> None:
    """A limit on the size of files, in another process, stands in for a full disk."""
    program = (
        "import sqlite3, sys\n"
        "from pipeline_api.service.database import Database\n"
        "from pipeline_api.service.storage import outage\n"
        "try:\n"
        "    Database(sys.argv[1]).check_writable()\n"
        "except sqlite3.OperationalError as error:\n"
        "    print(outage(error).reason)\n"
    )
    with database.transaction() as session:
        session.add(CounterRow(name="x" * 100_000))

    def bounded() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))

    command = [sys.executable, "-c", program, url]
    said = subprocess.run(command, capture_output=True, text=True, check=True, preexec_fn=bounded)
    assert "disk" in said.stdout


def test_a_write_to_a_full_database_says_so(database: Database) -> None:
    with database.engine.connect() as connection:
        connection.execute(text("PRAGMA max_page_count=1"))
        with pytest.raises(OperationalError) as failed:
            connection.execute(
                text("INSERT INTO counters VALUES (:name, 0, '', '')"), {"name": "x" * 100_000}
            )
    assert outage(failed.value) is FULL


def test_a_write_waits_for_a_lock_as_long_as_it_is_told_to(database: Database, url: str) -> None:
    impatient = Database(url, busy_timeout_s=0.01)
    with database.transaction(), pytest.raises(OperationalError) as failed, impatient.transaction():
        pass
    impatient.close()
    assert outage(failed.value) is LOCKED


def test_a_server_that_does_not_answer_is_unreachable() -> None:
    database = Database("postgresql+psycopg://nobody@127.0.0.1:1/nothing")
    with pytest.raises(OperationalError) as failed, database.reading() as session:
        session.execute(text("SELECT 1"))
    assert outage(failed.value) is UNREACHABLE


def test_work_that_finds_no_free_connection_is_not_a_defect(url: str) -> None:
    database = Database(url, busy_timeout_s=0.01)
    with ExitStack() as held:

        def take_all() -> None:
            for _ in range(100):
                held.enter_context(database.engine.connect())

        with pytest.raises(PoolTimeout) as failed:
            take_all()
    database.close()
    assert outage(failed.value) is EXHAUSTED


def test_several_processes_may_migrate_at_once(url: str) -> None:
    def start() -> None:
        database = Database(url)
        with database.migration(Base.metadata, LOCK) as session:
            database.insert_if_absent(session, CounterRow, name="ours", count=0, at=now())
        database.close()

    at_once(start, 4)

    database = Database(url)
    with database.reading() as session:
        assert session.scalar(select(func.count()).select_from(CounterRow)) == 1
    database.close()


def test_a_table_of_an_earlier_release_gets_the_columns_that_came_later(database: Database) -> None:
    with database.engine.begin() as connection:
        connection.execute(text("ALTER TABLE counters DROP COLUMN note"))
    for _ in range(2):
        with database.migration(Base.metadata, LOCK):
            pass
    columns = {column["name"] for column in inspect(database.engine).get_columns("counters")}
    assert "note" in columns
    with database.reading() as session:
        assert session.get_one(CounterRow, "ours").note is None

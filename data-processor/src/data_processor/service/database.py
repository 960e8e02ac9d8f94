"""A database of the service's own: SQLite in a file or PostgreSQL on a server, behind one interface."""

import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from typing import Any

import structlog
from sqlalchemy import (
    Connection,
    DateTime,
    Engine,
    MetaData,
    create_engine,
    event,
    func,
    inspect,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import DeclarativeBase, Session, sessionmaker
from sqlalchemy.schema import CreateColumn
from sqlalchemy.types import TypeDecorator

BUSY_TIMEOUT_S = 30
"""How long a connection to SQLite waits for another one's write lock, unless it is told otherwise."""
PATIENCE_S = 10
"""The same where somebody waits for the answer: shorter than any client's patience."""
_PROBE_S = 1

log = structlog.get_logger(__name__)


def now() -> datetime:
    """Return the current time, aware, in UTC."""
    return datetime.now(UTC)


class UtcDateTime(TypeDecorator[datetime]):
    """A timestamp in UTC that is aware when it is read back, even from SQLite, which stores no time zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: object) -> datetime | None:
        """Convert to UTC for storage."""
        del dialect
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: object) -> datetime | None:
        """Restore the time zone."""
        del dialect
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Database:
    """A pool of connections to one database."""

    def __init__(self, url: str, busy_timeout_s: float = BUSY_TIMEOUT_S) -> None:
        """Open the database at a SQLAlchemy URL, SQLite in WAL mode with every commit on disk.

        `busy_timeout_s`: how long a write waits for SQLite's lock, and any work for a free connection.
        """
        self.engine: Engine = create_engine(
            url, pool_pre_ping=not url.startswith("sqlite"), pool_timeout=busy_timeout_s
        )
        if self.engine.dialect.name == "sqlite":

            def prepare(connection: Any, _record: object) -> None:
                _prepare_sqlite(connection, busy_timeout_s)

            event.listen(self.engine, "connect", prepare)
            event.listen(self.engine, "begin", _begin_sqlite)
        self._sessions = sessionmaker(self.engine, expire_on_commit=False)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """Yield a session that commits when the block ends and rolls back when it raises.

        On SQLite it holds the write lock from the start (`BEGIN IMMEDIATE`): read-then-write is safe.
        """
        with self._sessions.begin() as session:
            if self.engine.dialect.name == "sqlite":
                session.connection(execution_options={"immediate": True})
            yield session

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Yield a session for reading; it takes no write lock."""
        with self._sessions() as session:
            yield session

    @contextmanager
    def migration(self, metadata: MetaData, lock: int) -> Iterator[Session]:
        """Create the tables and columns that are missing, and yield the transaction for more.

        Harmless when repeated, and when several processes start at once: on PostgreSQL they take turns on
        `lock`, a number that nothing else in the same database locks. A column of a later release must be
        nullable or have a server default.
        """
        with self.transaction() as session:
            connection = session.connection()
            if connection.dialect.name == "postgresql":
                # Even CREATE TABLE IF NOT EXISTS first checks and then creates: two at once collide.
                session.execute(select(func.pg_advisory_xact_lock(lock)))
            metadata.create_all(connection)
            added = _add_columns(metadata, connection)
            yield session
        if added:
            log.info("schema_migrated", columns=added)

    def insert_if_absent(self, session: Session, table: type[DeclarativeBase], **values: Any) -> bool:
        """Insert a row unless one with the same key exists; tell whether it was inserted."""
        insert = sqlite_insert if self.engine.dialect.name == "sqlite" else postgresql_insert
        statement = insert(table).values(**values).on_conflict_do_nothing()
        key = table.__mapper__.primary_key[0]
        return session.execute(statement.returning(key)).first() is not None

    def check_writable(self) -> None:
        """Raise what any write would raise at this moment, within about a second."""
        check_writable(self.engine)

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()


def check_writable(engine: Engine) -> None:
    """Commit a change that changes nothing; raise what any write would raise, within about a second."""
    if engine.dialect.name != "sqlite":
        with engine.begin() as connection:
            connection.execute(select(func.txid_current()))
        return
    # Its own connection: it waits less for the lock, and folds the log back into the file when it grows.
    with closing(sqlite3.connect(str(engine.url.database), timeout=_PROBE_S, isolation_level=None)) as probe:
        probe.execute("BEGIN IMMEDIATE")
        (version,) = probe.execute("PRAGMA user_version").fetchone()
        probe.execute(f"PRAGMA user_version={version}")  # the page that it is on is written, whatever it was
        probe.execute("COMMIT")


def overwrite_deleted(engine: Engine) -> None:
    """Have SQLite overwrite what is deleted or changed with zeros; other databases are left as they are."""
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _overwrite_deleted)


def leave_nothing(engine: Engine, *, rewritten: Sequence[str] = (), vacuumed: Sequence[str] = ()) -> None:
    """Remove what deleted rows left in the files of a database.

    SQLite: its write-ahead log is emptied, if no reader holds it up for longer than the busy timeout.
    PostgreSQL: the tables `rewritten`, small ones, are written anew, which locks them for a moment; of those
    `vacuumed` the space is freed and reused. Its own log and backups keep what they have until they expire.
    """
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if connection.dialect.name == "sqlite":
            busy, *_ = connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)")).one()
            if busy:
                log.warning("write_ahead_log_not_emptied")
            return
        for table in rewritten:
            connection.execute(text(f"VACUUM FULL {table}"))
        for table in vacuumed:
            connection.execute(text(f"VACUUM {table}"))


def _add_columns(metadata: MetaData, connection: Connection) -> list[str]:
    """Add the columns that a later release brought to a table; return which."""
    present, added = inspect(connection), []
    for table in metadata.sorted_tables:
        known = {column["name"] for column in present.get_columns(table.name)}
        for column in table.columns:
            if column.name not in known:
                definition = CreateColumn(column).compile(dialect=connection.dialect)
                connection.execute(text(f"ALTER TABLE {table.name} ADD COLUMN {definition}"))
                added.append(f"{table.name}.{column.name}")
    return added


def _prepare_sqlite(connection: Any, busy_timeout_s: float) -> None:
    # The driver must not open transactions of its own accord: `_begin_sqlite` does.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (f"busy_timeout={round(busy_timeout_s * 1000)}", "synchronous=FULL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    _switch_to_wal(cursor, busy_timeout_s)
    cursor.close()


def _overwrite_deleted(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA secure_delete=ON")
    cursor.close()


def _switch_to_wal(cursor: sqlite3.Cursor, busy_timeout_s: float) -> None:
    """Set the journal mode; the first connection changes the file, and SQLite refuses the others at once."""
    deadline = time.monotonic() + busy_timeout_s
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError:
            # The busy timeout does not apply to this statement.
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return


def _begin_sqlite(connection: Any) -> None:
    immediate = connection.get_execution_options().get("immediate", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")

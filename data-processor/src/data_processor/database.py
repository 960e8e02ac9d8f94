"""The records database: how its rows (`rows.py`) are reached, and how its schema is migrated."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import structlog
from sqlalchemy import Connection, Engine, Select, create_engine, event, inspect, text
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.schema import CreateColumn

from data_processor.rows import Base

MIGRATION_LOCK = 0x4C6F6F70
"""PostgreSQL's name for our lock during a migration: "Loop" in ASCII."""

log = structlog.get_logger(__name__)


class Database:
    """A pool of connections to the records database."""

    def __init__(self, url: str) -> None:
        """Open the database at a SQLAlchemy URL, SQLite in WAL mode with every commit on disk."""
        self.engine: Engine = create_engine(url, pool_pre_ping=not url.startswith("sqlite"))
        if self.engine.dialect.name == "sqlite":
            event.listen(self.engine, "connect", _prepare_sqlite)
            event.listen(self.engine, "begin", _begin_sqlite)
        self._sessions = sessionmaker(self.engine, expire_on_commit=False)

    def create_tables(self) -> None:
        """Create the tables that are missing, and migrate those of an earlier release.

        Harmless when repeated, and from several processes at once.
        """
        with self.engine.connect().execution_options(immediate=True) as connection, connection.begin():
            if self.engine.dialect.name == "postgresql":
                # SQLite's write lock is held already; PostgreSQL needs an advisory lock.
                connection.execute(text(f"SELECT pg_advisory_xact_lock({MIGRATION_LOCK})"))
            Base.metadata.create_all(connection)
            added = _migrate(connection)
        if added:
            log.info("schema_migrated", columns=added)

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

    def lock(self, query: Select[Any]) -> Select[Any]:
        """Lock the rows of a query until the transaction ends (SQLite already holds the whole file)."""
        return query.with_for_update()

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()


def _migrate(connection: Connection) -> list[str]:
    """Give tables of an earlier release the columns that came later; return which.

    A migration only ever adds: columns that are nullable or have a server's default, so that processes of the
    earlier release go on with the same tables meanwhile.
    """
    present, added = inspect(connection), []
    for table in Base.metadata.sorted_tables:
        known = {column["name"] for column in present.get_columns(table.name)}
        for column in table.columns:
            if column.name not in known:
                described = CreateColumn(column).compile(dialect=connection.dialect)
                connection.execute(text(f"ALTER TABLE {table.name} ADD COLUMN {described}"))
                added.append(f"{table.name}.{column.name}")
    return added


def _prepare_sqlite(connection: Any, _record: object) -> None:
    # The driver must not open transactions itself: `_begin_sqlite` does.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=30000", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Any) -> None:
    immediate = connection.get_execution_options().get("immediate", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")

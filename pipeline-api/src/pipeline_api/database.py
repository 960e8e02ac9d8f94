"""The gateway's own tables: users, their tokens, keys, failed sign-ins; and how to reach them.

Nothing secret is stored in a form that could be used: passwords as Argon2id hashes, tokens and keys as
SHA-256 digests (they are 256 random bits, which no guess reaches).
"""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import DateTime, Engine, ForeignKey, String, create_engine, event, func, select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker
from sqlalchemy.types import TypeDecorator

from pipeline_api.auth.roles import Role

_WAL_PATIENCE_S = 30
_TABLES_LOCK = 0x6C6F6F70
"""Any number that nobody else who uses the same PostgreSQL database locks."""


def now() -> datetime:
    """Return the current time, aware, in UTC."""
    return datetime.now(UTC)


class UtcDateTime(TypeDecorator[datetime]):
    """A moment in UTC that comes back aware from SQLite too, which knows no time zones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: object) -> datetime | None:
        """Store UTC only."""
        del dialect
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: object) -> datetime | None:
        """Give the zone back."""
        del dialect
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class RoleName(TypeDecorator[Role]):
    """A role, stored by its name."""

    impl = String(16)
    cache_ok = True

    def process_bind_param(self, value: Role | None, dialect: object) -> str | None:
        """Store the name."""
        del dialect
        return None if value is None else value.value

    def process_result_value(self, value: str | None, dialect: object) -> Role | None:
        """Give the role back."""
        del dialect
        return None if value is None else Role(value)


class Base(DeclarativeBase):
    """The gateway's database."""

    type_annotation_map = {  # noqa: RUF012  # SQLAlchemy declares it as a plain class attribute
        datetime: UtcDateTime,
        Role: RoleName,
        str: String,
    }


class RevisionRow(Base):
    """The one row raised by every change that takes power away: replicas poll it and forget what they cached.

    It is raised first in each such transaction, so it is also the lock that puts those in a row.
    """

    __tablename__ = "revision"

    id: Mapped[int] = mapped_column(primary_key=True)
    value: Mapped[int] = mapped_column(default=0)


class UserRow(Base):
    """A person who signs in."""

    __tablename__ = "users"

    username: Mapped[str] = mapped_column(primary_key=True)
    role: Mapped[Role]
    password_hash: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default=now)
    created_by: Mapped[str]
    password_changed_at: Mapped[datetime] = mapped_column(default=now)
    signed_in_at: Mapped[datetime | None]


class TokenRow(Base):
    """A session: what a person got for their password. Its role is always the user's own of this moment."""

    __tablename__ = "tokens"

    id: Mapped[str] = mapped_column(primary_key=True)
    digest: Mapped[str] = mapped_column(unique=True)
    username: Mapped[str] = mapped_column(ForeignKey("users.username", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime] = mapped_column(index=True)


class KeyRow(Base):
    """A credential of a program, which belongs to the platform and not to whoever made it."""

    __tablename__ = "keys"

    id: Mapped[str] = mapped_column(primary_key=True)
    digest: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str] = mapped_column(unique=True)
    role: Mapped[Role]
    requests_per_second: Mapped[float | None]
    """If set: this key's own rate limit instead of its role's."""
    created_at: Mapped[datetime] = mapped_column(default=now)
    created_by: Mapped[str]
    expires_at: Mapped[datetime]


class FailedSignInRow(Base):
    """How often a username was tried in vain from one address, and until when nobody may try again."""

    __tablename__ = "failed_sign_ins"

    key: Mapped[str] = mapped_column(primary_key=True)
    """SHA-256 of username and address: people type passwords into the wrong field."""
    failures: Mapped[int]
    blocked_until: Mapped[datetime]
    at: Mapped[datetime] = mapped_column(index=True)


class Database:
    """A pool of connections to the gateway's database."""

    def __init__(self, url: str) -> None:
        """Open the database at a SQLAlchemy URL, SQLite in WAL mode with every commit on disk."""
        self.engine: Engine = create_engine(url, pool_pre_ping=not url.startswith("sqlite"))
        if self.engine.dialect.name == "sqlite":
            event.listen(self.engine, "connect", _prepare_sqlite)
            event.listen(self.engine, "begin", _begin_sqlite)
        self._sessions = sessionmaker(self.engine, expire_on_commit=False)

    def create_tables(self) -> None:
        """Make what is missing; harmless when repeated and from several processes at once."""
        with self.transaction() as session:
            if self.engine.dialect.name == "postgresql":
                # Looking for a table and making it are two things: one gateway at a time.
                session.execute(select(func.pg_advisory_xact_lock(_TABLES_LOCK)))
            Base.metadata.create_all(session.connection())
            self.insert_if_absent(session, RevisionRow, id=1, value=0)

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
    def revoking(self) -> Iterator[Session]:
        """Yield a transaction that takes power away: one at a time, and every replica hears of it."""
        with self.transaction() as session:
            session.execute(
                update(RevisionRow).where(RevisionRow.id == 1).values(value=RevisionRow.value + 1)
            )
            yield session

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Yield a session for reading; it takes no write lock."""
        with self._sessions() as session:
            yield session

    def insert_if_absent(self, session: Session, table: type[Base], **values: Any) -> bool:
        """Insert a row unless one with the same key is there; tell whether it was inserted."""
        insert = sqlite_insert if self.engine.dialect.name == "sqlite" else postgresql_insert
        statement = insert(table).values(**values).on_conflict_do_nothing()
        key = table.__mapper__.primary_key[0]
        return session.execute(statement.returning(key)).first() is not None

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()


def _prepare_sqlite(connection: Any, _record: object) -> None:
    # The driver must not open transactions by itself: `_begin_sqlite` does.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("busy_timeout=30000", "synchronous=FULL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    deadline = time.monotonic() + _WAL_PATIENCE_S
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
            break
        except sqlite3.OperationalError:
            # The first to come changes the file, and the others are told so without any waiting.
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)
    cursor.close()


def _begin_sqlite(connection: Any) -> None:
    immediate = connection.get_execution_options().get("immediate", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")

"""Recorded predictions: their tables, and how they are read. `recorder.py` writes them."""

import secrets
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, Protocol

import msgspec
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Double,
    Index,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Row,
    Table,
    Text,
    cast,
    create_engine,
    delete,
    event,
    func,
    select,
)
from sqlalchemy.schema import CreateIndex, CreateTable

from data_processor.service.database import check_writable, leave_nothing, overwrite_deleted

_TABLES_LOCK = 0x50726564
metadata = MetaData()

predictions = Table(
    "predictions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("model", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("stage", Text, nullable=False),
    Column("pinned", Boolean, nullable=False),
    Column("asked", Boolean, nullable=False),
    Column("subject", Text, nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Column("inputs", Text, nullable=False),
    Column("output", Text, nullable=False),
    Column("flags", Text, nullable=False),
    Column("latency_ms", Double, nullable=False),
    Column("trace_id", Text, nullable=False),
    Index("predictions_of_a_model", "model", "id"),
    Index("predictions_of_a_subject", "model", "subject", "id"),
)
"""`inputs`, `output` and `flags` are JSON; `at_us` is microseconds since 1970, UTC."""

idempotency = Table(
    "idempotency",
    metadata,
    Column("subject", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("body_sha256", LargeBinary, nullable=False),
    Column("response", LargeBinary, nullable=False),
    Column("at_us", BigInteger, nullable=False),
    PrimaryKeyConstraint("subject", "key"),
    Index("idempotency_by_age", "at_us"),
)
"""The response to an `Idempotency-Key`, stored in the transaction that recorded its predictions."""


FORGOTTEN = '{"label":null}'
"""What is kept of an answer that named a person who was forgotten."""
AT_ONCE = 500
"""The most rows that are deleted in one short transaction."""


class Key(NamedTuple):
    """An `Idempotency-Key` of one subject, and the digest of the body it came with."""

    subject: str
    key: str
    body_sha256: bytes


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Prediction:
    """One answered input."""

    id: str
    model: str
    version: str
    stage: str
    pinned: bool
    """The caller chose the version."""
    asked: bool
    """The platform asked for feedback on it."""
    subject: str
    at: datetime
    inputs: dict[str, Any]
    """As they were sent; a column that was left out is absent."""
    output: dict[str, Any]
    """`{"label", "probabilities"}` or `{"value"}`."""
    flags: list[str]
    latency_ms: float
    trace_id: str


@dataclass(frozen=True, slots=True)
class Answered:
    """Which predictions are meant: those that a stage's version answered later than one or than a time."""

    model: str
    stage: str
    version: str
    pinned: bool
    """Count those too whose caller chose the version."""
    after: str = ""
    """An id: only later predictions are meant. `id_at` makes one of a time."""

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return the conditions of a query."""
        c = predictions.c
        wanted = [c.model == self.model, c.id > self.after, c.version == self.version, c.stage == self.stage]
        return wanted if self.pinned else [*wanted, c.pinned.is_(False)]


def id_at(at: datetime) -> str:
    """Return what sorts before the ids of all predictions made at a time or later, and after all others."""
    return f"{int((at - EPOCH) / timedelta(microseconds=1)) * 1000:016x}"


class PredictionLookup(Protocol):
    """How feedback finds the predictions that it is about."""

    def get(self, prediction: str) -> Prediction | None:
        """Return a prediction, or None if there is none with this id."""

    def many(self, ids: Iterable[str]) -> dict[str, Prediction]:
        """Return the predictions with these ids that exist, by id."""


class PredictionStore:
    """Reads recorded predictions from SQLite or PostgreSQL."""

    def __init__(self, url: str) -> None:
        """Open the predictions database at a SQLAlchemy URL."""
        self.engine = create_engine(url, pool_pre_ping=not url.startswith("sqlite"))
        if self.engine.dialect.name == "sqlite":
            event.listen(self.engine, "connect", _prepare_sqlite)
        overwrite_deleted(self.engine)

    def create_tables(self) -> None:
        """Create the tables that are missing; safe to repeat, and from several processes at once."""
        with self.engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                # Checking for a table and creating it are two steps there, even in one statement.
                connection.execute(select(func.pg_advisory_xact_lock(_TABLES_LOCK)))
            for table in metadata.sorted_tables:
                connection.execute(CreateTable(table, if_not_exists=True))
                for index in sorted(table.indexes, key=lambda index: str(index.name)):
                    connection.execute(CreateIndex(index, if_not_exists=True))

    def get(self, prediction: str) -> Prediction | None:
        """Return a prediction, or None if there is none with this id."""
        return self.many([prediction]).get(prediction)

    def many(self, ids: Iterable[str]) -> dict[str, Prediction]:
        """Return the predictions with these ids that exist, by id."""
        wanted, found = list(ids), {}
        with self.engine.connect() as connection:
            for start in range(0, len(wanted), 500):
                query = select(predictions).where(predictions.c.id.in_(wanted[start : start + 500]))
                found.update({row.id: _prediction(row) for row in connection.execute(query)})
        return found

    def page(
        self, model: str, subject: str | None = None, limit: int = 100, before: str | None = None
    ) -> list[Prediction]:
        """Return the newest predictions of a model that are older than `before`, of one subject or of all."""
        query = select(predictions).where(predictions.c.model == model)
        if subject is not None:
            query = query.where(predictions.c.subject == subject)
        if before is not None:
            query = query.where(predictions.c.id < before)
        with self.engine.connect() as connection:
            rows = connection.execute(query.order_by(predictions.c.id.desc()).limit(limit))
            return [_prediction(row) for row in rows]

    def latencies(self, model: str, start_s: int, end_s: int, most: int) -> tuple[int, list[float]]:
        """Return how many predictions a model made from one time to another, and how long the newest took.

        Times are Unix seconds, durations milliseconds. Ids sort by time, so an index has the count.
        """
        c = predictions.c
        mine = (c.model == model) & (c.id >= f"{start_s * 10**9:016x}") & (c.id < f"{end_s * 10**9:016x}")
        newest = select(c.latency_ms).where(mine).order_by(c.id.desc()).limit(most)
        with self.engine.connect() as connection:
            count = connection.scalar(select(func.count()).select_from(predictions).where(mine))
            return count or 0, list(connection.scalars(newest)) if count else []

    def answered_by(self, answered: Answered, limit: int) -> list[Prediction]:
        """Return the newest predictions of a version that match, newest first."""
        query = select(predictions).where(*answered.conditions()).order_by(predictions.c.id.desc())
        with self.engine.connect() as connection:
            return [_prediction(row) for row in connection.execute(query.limit(limit))]

    def count_answered_by(self, answered: Answered, limit: int) -> int:
        """Count the predictions of a version that match, up to `limit` of them."""
        some = select(predictions.c.id).where(*answered.conditions()).limit(limit).subquery()
        with self.engine.connect() as connection:
            return connection.scalar(select(func.count()).select_from(some)) or 0

    def earlier(self, key: Key) -> tuple[bytes, bool] | None:
        """Return the earlier response to a key and whether its body was the same, or None for a new key."""
        mine = (idempotency.c.subject == key.subject) & (idempotency.c.key == key.key)
        query = select(idempotency.c.response, idempotency.c.body_sha256).where(mine)
        with self.engine.connect() as connection:
            found = connection.execute(query).one_or_none()
        return None if found is None else (found.response, found.body_sha256 == key.body_sha256)

    def expire_keys(self, before_us: int) -> int:
        """Delete up to `AT_ONCE` responses to keys that are older than a time; return how many."""
        c = idempotency.c
        old = select(c.subject, c.key).where(c.at_us < before_us).limit(AT_ONCE)
        with self.engine.begin() as connection:
            found = connection.execute(old).all()
            for subject, key in found:
                connection.execute(delete(idempotency).where(c.subject == subject, c.key == key))
        return len(found)

    def older_than(self, before_us: int, after: str) -> list[str]:
        """Return up to `AT_ONCE` ids of predictions older than a time, in order, after the id `after`."""
        old = (predictions.c.at_us < before_us) & (predictions.c.id > after)
        query = select(predictions.c.id).where(old).order_by(predictions.c.id).limit(AT_ONCE)
        with self.engine.connect() as connection:
            return list(connection.scalars(query))

    def delete(self, ids: Sequence[str]) -> None:
        """Delete predictions."""
        with self.engine.begin() as connection:
            connection.execute(delete(predictions).where(predictions.c.id.in_(ids)))

    def forget(self, model: str, person: str) -> dict[str, str]:
        """Take a person out of the answers that named them; return the pictures asked about, by prediction.

        That there were these predictions stays, with nothing in them. Answers kept for an `Idempotency-Key`
        that name the person are deleted. `person` is an id.
        """
        c = predictions.c
        named = (c.model == model) & c.output.contains(f'"person":"{person}"')
        asked: dict[str, str] = {}
        with self.engine.connect() as connection:
            for row in connection.execute(select(c.id, c.inputs).where(named)):
                asked[row.id] = str(msgspec.json.decode(row.inputs).get("image", ""))
        for start in range(0, len(asked), AT_ONCE):
            some = c.id.in_([*asked][start : start + AT_ONCE])
            with self.engine.begin() as connection:
                connection.execute(predictions.update().where(some).values(inputs="{}", output=FORGOTTEN))
        with self.engine.begin() as connection:
            kept = self._response_text().contains(person)
            connection.execute(delete(idempotency).where(kept))
        return asked

    def scrub(self) -> None:
        """Leave nothing of what was deleted or changed in the files of the database."""
        leave_nothing(self.engine, vacuumed=(predictions.name, idempotency.name))

    def _response_text(self) -> ColumnElement[str]:
        response = idempotency.c.response
        if self.engine.dialect.name == "sqlite":
            return cast(response, Text)
        return func.convert_from(response, "UTF8")

    def check_writable(self) -> None:
        """Raise what recording a prediction would raise at this moment."""
        check_writable(self.engine)

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()


class Ids:
    """Makes ids that sort by time, are unique across processes, and cost next to nothing."""

    def __init__(self) -> None:
        """Distinguish this process from all others by 48 random bits."""
        self._process = secrets.token_hex(6)
        self._last = 0

    def take(self, count: int) -> list[str]:
        """Return `count` new ids, each later than all before it; not thread-safe."""
        first = max(time.time_ns(), self._last + 1)
        self._last = first + count - 1
        return [f"{nanosecond:016x}{self._process}" for nanosecond in range(first, first + count)]


def _prepare_sqlite(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=30000", "wal_autocheckpoint=0"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _prediction(row: Row[Any]) -> Prediction:
    return Prediction(
        id=row.id,
        model=row.model,
        version=row.version,
        stage=row.stage,
        pinned=row.pinned,
        asked=row.asked,
        subject=row.subject,
        at=EPOCH + timedelta(microseconds=row.at_us),
        inputs=msgspec.json.decode(row.inputs),
        output=msgspec.json.decode(row.output),
        flags=msgspec.json.decode(row.flags),
        latency_ms=row.latency_ms,
        trace_id=row.trace_id,
    )

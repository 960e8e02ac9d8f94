"""The gateway's own tables: users, their tokens, keys, devices, sign-ins, MQTT; and how to reach them.

No secret is stored in a usable form: passwords are Argon2id hashes, tokens and keys are SHA-256 digests (of
256 random bits, which nobody can guess), and so are the passwords of devices, as the broker has them.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from sqlalchemy import ForeignKey, String, delete, false, select, update
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from sqlalchemy.types import TypeDecorator

from pipeline_api.roles import Role
from pipeline_api.service import database
from pipeline_api.service.database import UtcDateTime, now

TABLES_LOCK = 0x6C6F6F70
"""The number that PostgreSQL locks while tables are migrated: "loop" in ASCII."""


class RoleName(TypeDecorator[Role]):
    """A role, stored by its name."""

    impl = String(16)
    cache_ok = True

    def process_bind_param(self, value: Role | None, dialect: object) -> str | None:
        """Convert to the name for storage."""
        del dialect
        return None if value is None else value.value

    def process_result_value(self, value: str | None, dialect: object) -> Role | None:
        """Restore the role."""
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
    """The one row that every change that takes power away raises: replicas poll it and empty their caches.

    Each such transaction raises it first, so it is also the lock that serialises them.
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
    """A session: what a person got for their password. Its role is always the user's current one."""

    __tablename__ = "tokens"

    id: Mapped[str] = mapped_column(primary_key=True)
    digest: Mapped[str] = mapped_column(unique=True)
    username: Mapped[str] = mapped_column(ForeignKey("users.username", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime] = mapped_column(index=True)


class KeyRow(Base):
    """A credential of a program, which belongs to the platform and not to whoever created it."""

    __tablename__ = "keys"

    id: Mapped[str] = mapped_column(primary_key=True)
    digest: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str] = mapped_column(unique=True)
    role: Mapped[Role]
    requests_per_second: Mapped[float | None]
    """This key's own rate limit, if it does not use its role's."""
    trusted: Mapped[bool] = mapped_column(default=False, server_default=false())
    """The labels it gives count as an engineer's do. Keys of before are not: nobody has vouched for them."""
    created_at: Mapped[datetime] = mapped_column(default=now)
    created_by: Mapped[str]
    expires_at: Mapped[datetime]


class DeviceRow(Base):
    """A thing that speaks MQTT, and so a user of the broker; to the platform it is `device:<name>`."""

    __tablename__ = "devices"

    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    password_hash: Mapped[str]
    """As it stands in Mosquitto's password file."""
    public_topics: Mapped[bool] = mapped_column(default=False)
    """It also uses the topics without a device's name; at most one does."""
    created_at: Mapped[datetime] = mapped_column(default=now)
    created_by: Mapped[str]


class MqttRequestRow(Base):
    """A request that arrived over MQTT, so that it is done once and its answer can be sent again."""

    __tablename__ = "mqtt_requests"

    digest: Mapped[str] = mapped_column(primary_key=True)
    """SHA-256 of device, topic and payload, with the caller's `$id` in it."""
    holder: Mapped[str]
    """The gateway that works on it."""
    at: Mapped[datetime] = mapped_column(default=now, index=True)
    answer: Mapped[bytes | None]
    published_at: Mapped[datetime | None]
    """When the broker took the answer."""


class MqttSessionRow(Base):
    """A session that gateways have at the broker; it outlives a gateway, and another one takes it over."""

    __tablename__ = "mqtt_sessions"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    holder: Mapped[str]
    until: Mapped[datetime]
    """Until when it is its holder's, who keeps extending that."""


class FailedSignInRow(Base):
    """How often signing in failed (`auth/throttle.py` says for what), and until when nobody may try again."""

    __tablename__ = "failed_sign_ins"

    key: Mapped[str] = mapped_column(primary_key=True)
    """SHA-256 of username, address or both: people type passwords into the wrong field."""
    failures: Mapped[int]
    blocked_until: Mapped[datetime]
    at: Mapped[datetime] = mapped_column(index=True)


class SignInPlaceRow(Base):
    """Somebody has signed in from a place, where guesses from elsewhere do not slow them down."""

    __tablename__ = "sign_in_places"

    key: Mapped[str] = mapped_column(primary_key=True)
    """SHA-256 of username and address."""
    at: Mapped[datetime] = mapped_column(index=True)


class Database(database.Database):
    """A pool of connections to the gateway's database."""

    def __init__(self, url: str, busy_timeout_s: float = database.BUSY_TIMEOUT_S) -> None:
        """Open the database; SQLite overwrites what is deleted."""
        super().__init__(url, busy_timeout_s)
        database.overwrite_deleted(self.engine)

    def forget_answers(self) -> None:
        """Delete every answer over MQTT that was sent, out of the database's files as well.

        A request that is repeated is then asked of the data-processor again, under the same key.
        """
        with self.transaction() as session:
            session.execute(delete(MqttRequestRow).where(MqttRequestRow.published_at.is_not(None)))
        database.leave_nothing(self.engine, vacuumed=(MqttRequestRow.__tablename__,))

    def create_tables(self) -> None:
        """Create the tables and columns that are missing, and the revision row."""
        with self.migration(Base.metadata, TABLES_LOCK) as session:
            self.insert_if_absent(session, RevisionRow, id=1, value=0)

    def revision(self) -> int | None:
        """Return the number that every `revoking` transaction raises."""
        with self.reading() as session:
            return session.scalar(select(RevisionRow.value).where(RevisionRow.id == 1))

    @contextmanager
    def revoking(self) -> Iterator[Session]:
        """Yield a transaction that takes power away: one at a time, and every replica learns of it."""
        with self.transaction() as session:
            session.execute(
                update(RevisionRow).where(RevisionRow.id == 1).values(value=RevisionRow.value + 1)
            )
            yield session

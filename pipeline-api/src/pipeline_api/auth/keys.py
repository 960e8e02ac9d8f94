"""Keys: the credentials of programs. They belong to the platform and outlive whoever created them.

Each method of `Keys` is a transaction of its own, each function below is part of its caller's.
"""

from datetime import timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from pipeline_api.auth.credentials import CredentialKind, digest, mint, new_id
from pipeline_api.database import Database, KeyRow
from pipeline_api.roles import Role
from pipeline_api.service.database import now
from pipeline_api.service.errors import Conflict, NotFound


class Keys:
    """Manage the keys. Every method is one transaction and blocks: call it in a thread."""

    def __init__(self, database: Database) -> None:
        """Work on a database."""
        self._database = database

    def all(self) -> list[KeyRow]:
        """Return every key by name, expired ones too: a maintainer should see why a program fails."""
        with self._database.reading() as session:
            return list(session.scalars(select(KeyRow).order_by(KeyRow.name)))

    def create(
        self,
        *,
        name: str,
        role: Role,
        lifetime: timedelta,
        requests_per_second: float | None,
        trusted: bool = False,
        created_by: str,
    ) -> tuple[KeyRow, str]:
        """Create a key and return it with its secret, never seen again; raise 409 when the name is taken."""
        secret = mint(CredentialKind.KEY)
        key_id = new_id()
        with self._database.transaction() as session:
            inserted = self._database.insert_if_absent(
                session,
                KeyRow,
                id=key_id,
                digest=digest(secret.encode()).hex(),
                name=name,
                role=role,
                requests_per_second=requests_per_second,
                trusted=trusted,
                created_by=created_by,
                expires_at=now() + lifetime,
            )
            if not inserted:
                raise Conflict(
                    f"There is already a key named '{name}'. Revoke it first, or choose another name."
                )
            return session.get_one(KeyRow, key_id), secret

    def trust(self, key_id: str, *, trusted: bool) -> KeyRow:
        """Say whether the labels that a key gives are trusted.

        Raise 404 when there is no such key, 409 when its role is one whose labels are always trusted.
        """
        with self._database.revoking() as session:
            row = session.get(KeyRow, key_id)
            if row is None:
                raise NotFound("There is no such key.")
            if not trusted and row.role.includes(Role.ENGINEER):
                raise Conflict(
                    f"The labels of a key with the role '{row.role.value}' are always trusted. Revoke "
                    f"'{row.name}' and create a key with the role 'user' instead."
                )
            row.trusted = trusted
            return row

    def revoke(self, key_id: str) -> None:
        """Delete a key; raise 404 when there is no such key."""
        with self._database.revoking() as session:
            gone = session.scalars(delete(KeyRow).where(KeyRow.id == key_id).returning(KeyRow.id)).first()
            if gone is None:
                raise NotFound("There is no such key.")


def find(session: Session, key_digest: bytes) -> KeyRow | None:
    """Return the key with this digest, expired or not."""
    return session.scalar(select(KeyRow).where(KeyRow.digest == key_digest.hex()))


def revoke_created_by(session: Session, username: str) -> list[str]:
    """Delete the keys that a user created; return their ids."""
    created = delete(KeyRow).where(KeyRow.created_by == username).returning(KeyRow.id)
    return list(session.scalars(created))

"""Devices: things that speak MQTT, each a user of the broker with a password of its own.

Each method of `Devices` is a transaction of its own, `find` is part of its caller's. The broker's files are
written from this table by `mqtt/broker_users.py`.
"""

import base64
import hashlib
import secrets

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from pipeline_api.auth.credentials import CredentialKind, mint, new_id
from pipeline_api.database import Database, DeviceRow
from pipeline_api.service.errors import Conflict, NotFound

_ROUNDS = 101
"""What Mosquitto takes itself. It computes a hash in the thread that passes every message on, and a password
of 256 random bits needs no slow one."""
_SALT_BYTES, _HASH_BYTES = 12, 64
"""It knows no other sizes."""


class Devices:
    """Manage the devices. Every method is one transaction and blocks: call it in a thread."""

    def __init__(self, database: Database, *, allowed: bool) -> None:
        """Work on a database; without a broker no device is created."""
        self._database = database
        self._allowed = allowed

    def all(self) -> list[DeviceRow]:
        """Return every device by name."""
        with self._database.reading() as session:
            return list(session.scalars(select(DeviceRow).order_by(DeviceRow.name)))

    def public(self) -> str | None:
        """Return the name of the device that uses the topics without a name."""
        with self._database.reading() as session:
            return session.scalar(select(DeviceRow.name).where(DeviceRow.public_topics))

    def create(self, *, name: str, public_topics: bool, created_by: str) -> tuple[DeviceRow, str]:
        """Create a device and return it with its password, never seen again.

        Raise 409 when the name or the public topics are taken, or when there is no broker.
        """
        if not self._allowed:
            raise Conflict("MQTT is off: start the gateway with MQTT_URL, the address of a broker.")
        password = mint(CredentialKind.DEVICE)
        device_id = new_id()
        # Its revision tells every gateway that the broker's users have changed.
        with self._database.revoking() as session:
            user = session.scalar(select(DeviceRow).where(DeviceRow.public_topics)) if public_topics else None
            if user is not None:
                raise Conflict(
                    f"'{user.name}' already uses the topics without a name. Only one device can: whoever "
                    "reads there sees every answer."
                )
            inserted = self._database.insert_if_absent(
                session,
                DeviceRow,
                id=device_id,
                name=name,
                password_hash=broker_hash(password),
                public_topics=public_topics,
                created_by=created_by,
            )
            if not inserted:
                raise Conflict(
                    f"There is already a device named '{name}'. Revoke it first, or choose another name."
                )
            return session.get_one(DeviceRow, device_id), password

    def revoke(self, device_id: str) -> None:
        """Delete a device; raise 404 when there is no such device."""
        with self._database.revoking() as session:
            gone = delete(DeviceRow).where(DeviceRow.id == device_id).returning(DeviceRow.id)
            if session.scalars(gone).first() is None:
                raise NotFound("There is no such device.")


def find(session: Session, name: str) -> DeviceRow | None:
    """Return the device with this name."""
    return session.scalar(select(DeviceRow).where(DeviceRow.name == name))


def broker_hash(password: str, salt: bytes | None = None) -> str:
    """Return a password as Mosquitto's password file has it: PBKDF2 with SHA-512, `$7$rounds$salt$hash`."""
    salt = salt[:_SALT_BYTES] if salt else secrets.token_bytes(_SALT_BYTES)
    made = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, _ROUNDS, _HASH_BYTES)
    return f"$7${_ROUNDS}${base64.b64encode(salt).decode()}${base64.b64encode(made).decode()}"

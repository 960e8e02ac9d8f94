"""Destinations: where a stage's notifications go, and what has become of them."""

import base64
import binascii
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from sqlalchemy import Select, delete, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from data_processor.database import Database
from data_processor.notifications.events import TEST
from data_processor.notifications.schemas import (
    Delivery,
    Destination,
    DestinationChange,
    DestinationRequest,
    MadeDestination,
)
from data_processor.notifications.sending import Receiver, Sender
from data_processor.notifications.vault import Vault
from data_processor.rows import DeliveryRow, DestinationRow, NotificationRow
from data_processor.service.database import now
from data_processor.service.errors import Conflict, FieldError, Invalid, NotFound
from data_processor.settings import Settings

MOST = 50
"""The most destinations of a stage."""
PREFIX = "whsec_"
SECRET_BYTES = range(24, 65)
"""The sizes of secrets that Standard Webhooks allows."""
NEW_SECRET_BYTES = 32


class Destinations:
    """The destinations of one stage."""

    def __init__(self, settings: Settings, database: Database, sender: Sender | None = None) -> None:
        """Keep them in the records database, their secrets encrypted."""
        self._database = database
        self._stage = settings.stage
        self._vault = Vault.of(settings)
        self._sender = sender or Sender(settings.notification_networks)

    def all(self) -> list[Destination]:
        """Return the destinations by name."""
        with self._database.reading() as session:
            rows = session.scalars(select(DestinationRow).order_by(DestinationRow.name))
            return [_destination(session, row) for row in rows]

    def create(self, asked: DestinationRequest, subject: str) -> MadeDestination:
        """Add a destination; raises `Invalid` naming what is wrong, `Conflict` if the name is taken."""
        shown = self._shown(asked.kind, asked.address)
        secret = _secret(asked.kind, asked.secret)
        row = DestinationRow(
            id=str(uuid4()),
            name=asked.name,
            kind=asked.kind,
            address=self._vault.seal(asked.address),
            secret=self._vault.seal(secret) if secret else None,
            shown=shown,
            events=asked.events,
            active=True,
            subject=subject,
        )
        with self._named(asked.name) as session:
            if (session.scalar(select(func.count(DestinationRow.id))) or 0) >= MOST:
                raise Conflict(f"There are {MOST} destinations, and no more are kept; delete one first.")
            session.add(row)
            session.flush()
            made = _destination(session, row)
        return MadeDestination(**made.model_dump(), secret=secret)

    def change(self, destination: str, asked: DestinationChange) -> Destination:
        """Change a destination; raises `NotFound`, `Invalid` and `Conflict`."""
        with self._database.reading() as session:
            kind = _find(session, destination).kind
        shown = self._shown(kind, asked.address) if asked.address else None
        secret = _secret(kind, asked.secret) if asked.secret is not None else None
        with self._named(asked.name or "") as session:
            row = _find(session, destination, self._database)
            if asked.expected_revision not in (None, row.revision):
                raise Conflict(
                    f"Somebody has changed the destination {row.name!r} meanwhile: it is at revision "
                    f"{row.revision} and no longer at {asked.expected_revision}. Nothing was changed: look "
                    "at it again, and repeat your change."
                )
            row.revision += 1
            row.name = asked.name or row.name
            row.events = asked.events or row.events
            if asked.address and shown:
                row.address, row.shown = self._vault.seal(asked.address), shown
            if secret:
                row.secret = self._vault.seal(secret)
            if asked.active is not None:
                row.active, row.problem = asked.active, None
            session.execute(
                update(DeliveryRow)
                .where(DeliveryRow.destination == destination, DeliveryRow.state == "waiting")
                .values(next_at=now())
            )
            session.flush()
            return _destination(session, row)

    def delete(self, destination: str) -> None:
        """Delete a destination with what is known of its deliveries; raises `NotFound`."""
        with self._database.transaction() as session:
            session.delete(_find(session, destination, self._database))
            session.execute(delete(DeliveryRow).where(DeliveryRow.destination == destination))

    def test(self, destination: str, subject: str) -> Delivery:
        """Have a test delivered, tried only once; raises `NotFound`, and `Conflict` if it is switched off."""
        with self._database.transaction() as session:
            row = _find(session, destination, self._database)
            if not row.active:
                raise Conflict(f"The destination {row.name!r} is switched off; switch it on first.")
            notification = NotificationRow(
                id=str(uuid4()),
                type=TEST,
                stage=self._stage,
                model="",
                message=f"{subject} sent this test to the destination {row.name!r}. Nothing has happened.",
            )
            delivery = DeliveryRow(notification=notification.id, destination=row.id)
            session.add_all((notification, delivery))
            session.flush()
            return _delivery(notification, delivery)

    def deliveries(self, destination: str | None, limit: int) -> list[Delivery]:
        """Return the newest deliveries, of one destination if given; raises `NotFound`."""
        query = _deliveries().order_by(NotificationRow.at.desc(), NotificationRow.id).limit(limit)
        with self._database.reading() as session:
            if destination is not None:
                _find(session, destination)
                query = query.where(DeliveryRow.destination == destination)
            return [_delivery(*found) for found in session.execute(query)]

    def _shown(self, kind: str, address: str) -> str:
        """Check an address and return what may be shown of it; raises `Invalid`."""
        try:
            if kind == "webhook":
                return _webhook_shown(address)
            return self._sender.check(Receiver(kind, address))
        except ValueError as error:
            raise _invalid("address", str(error)) from error

    @contextmanager
    def _named(self, name: str) -> Iterator[Session]:
        """Yield a transaction that may give a destination this name."""
        try:
            with self._database.transaction() as session:
                yield session
        except IntegrityError as error:
            raise Conflict(f"There is a destination named {name!r} already; choose another name.") from error


def _webhook_shown(address: str) -> str:
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("must be a URL that starts with https:// or http://, such as https://host/path.")
    port = f":{parts.port}" if parts.port else ""
    more = "/…" if parts.path not in ("", "/") or parts.query else ""
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}{port}{more}"


def _secret(kind: str, given: str | None) -> str | None:
    """Return what a webhook is signed with; raises `Invalid`."""
    if kind != "webhook":
        if given is not None:
            raise _invalid("secret", "is for webhooks only: the address of a service contains its own.")
        return None
    if given is None:
        return PREFIX + base64.b64encode(secrets.token_bytes(NEW_SECRET_BYTES)).decode()
    try:
        size = len(base64.b64decode(given.removeprefix(PREFIX), validate=True))
    except (binascii.Error, ValueError):
        size = 0
    if not given.startswith(PREFIX) or size not in SECRET_BYTES:
        raise _invalid(
            "secret", f"must be {PREFIX} and {SECRET_BYTES[0]} to {SECRET_BYTES[-1]} bytes in base64."
        )
    return given


def _invalid(field: str, message: str) -> Invalid:
    error = FieldError(loc=["body", field], message=message)
    return Invalid("The destination was not accepted; see errors.", errors=[error])


def _find(session: Session, destination: str, lock: Database | None = None) -> DestinationRow:
    query = select(DestinationRow).where(DestinationRow.id == destination)
    row = session.scalar(lock.lock(query) if lock else query)
    if row is None:
        raise NotFound(f"There is no destination {destination!r}.")
    return row


def _deliveries() -> Select[NotificationRow, DeliveryRow]:
    return select(NotificationRow, DeliveryRow).join(
        DeliveryRow, DeliveryRow.notification == NotificationRow.id
    )


def _delivery(notification: NotificationRow, delivery: DeliveryRow) -> Delivery:
    return Delivery.model_validate(
        {
            "id": notification.id,
            "destination": delivery.destination,
            "event": notification.type,
            "stage": notification.stage,
            "model": notification.model or None,
            "run": notification.run,
            "message": notification.message,
            "at": notification.at,
            "state": delivery.state,
            "attempts": delivery.attempts,
            "attempted_at": delivery.attempted_at,
            "next_at": delivery.next_at,
            "error": delivery.error,
        }
    )


def _destination(session: Session, row: DestinationRow) -> Destination:
    mine = DeliveryRow.destination == row.id
    waiting, next_at = session.execute(
        select(func.count(), func.min(DeliveryRow.next_at)).where(mine, DeliveryRow.state == "waiting")
    ).one()
    last = session.execute(
        _deliveries()
        .where(mine, DeliveryRow.attempted_at.is_not(None))
        .order_by(DeliveryRow.attempted_at.desc())
        .limit(1)
    ).first()
    known: dict[str, Any] = {
        name: getattr(row, name)
        for name in (
            "id",
            "name",
            "kind",
            "shown",
            "events",
            "active",
            "problem",
            "revision",
            "subject",
            "created_at",
        )
    }
    return Destination.model_validate(
        {**known, "waiting": waiting, "next_at": next_at, "last": _delivery(*last) if last else None}
    )

"""Responses stored under an `Idempotency-Key`: given again to the same request, a conflict for any other."""

from datetime import timedelta
from typing import Any

from sqlalchemy import bindparam, delete, insert, select
from sqlalchemy.orm import Session

from data_processor.rows import IdempotencyRow
from data_processor.service.database import now
from data_processor.service.errors import Conflict

Response = tuple[int, dict[str, Any]]
"""Its status and its body."""

# Built once: making a statement costs more than running it.
_EXPIRE = delete(IdempotencyRow).where(IdempotencyRow.at < bindparam("expired"))
_FIND = select(IdempotencyRow.body_sha256, IdempotencyRow.status, IdempotencyRow.response).where(
    IdempotencyRow.subject == bindparam("subject"), IdempotencyRow.key == bindparam("key")
)
_STORE = insert(IdempotencyRow)


class StoredResponses:
    """The responses of the last hours, by caller and key."""

    def __init__(self, hours: float) -> None:
        """Keep each for this many hours."""
        self._keep = timedelta(hours=hours)

    def find(self, session: Session, subject: str, key: str, digest: str) -> Response | None:
        """Return the response stored under this key; raises `Conflict` if its request was another one."""
        connection = session.connection()
        connection.execute(_EXPIRE, {"expired": now() - self._keep})
        found = connection.execute(_FIND, {"subject": subject, "key": key}).one_or_none()
        if found is None:
            return None
        if found.body_sha256 != digest:
            raise Conflict(f"The Idempotency-Key {key!r} was used before for another request; use a new one.")
        return found.status, found.response

    def store(self, session: Session, subject: str, key: str, digest: str, response: Response) -> None:
        """Store a response, in the transaction that did what it says."""
        status, body = response
        row = {"subject": subject, "key": key, "body_sha256": digest, "status": status, "response": body}
        session.connection().execute(_STORE, {**row, "at": now()})

"""Answers given under an `Idempotency-Key`: found again for the same request, refused to any other."""

from datetime import timedelta
from typing import Any

from sqlalchemy import bindparam, delete, insert, select
from sqlalchemy.orm import Session

from data_processor.rows import IdempotencyRow
from data_processor.service.database import now
from data_processor.service.errors import Conflict

Answer = tuple[int, dict[str, Any]]
"""The status and the body of a response."""

# Built once: making a statement costs more than running it.
_FORGET = delete(IdempotencyRow).where(IdempotencyRow.at < bindparam("expired"))
_FIND = select(IdempotencyRow.body_sha256, IdempotencyRow.status, IdempotencyRow.response).where(
    IdempotencyRow.subject == bindparam("subject"), IdempotencyRow.key == bindparam("key")
)
_KEEP = insert(IdempotencyRow)


class Answers:
    """The answers that are remembered for a while."""

    def __init__(self, hours: float) -> None:
        """Remember them for so many hours."""
        self._keep = timedelta(hours=hours)

    def earlier(self, session: Session, subject: str, key: str, digest: str) -> Answer | None:
        """Return what was answered to this key; raises `Conflict` if that was to another request."""
        connection = session.connection()
        connection.execute(_FORGET, {"expired": now() - self._keep})
        found = connection.execute(_FIND, {"subject": subject, "key": key}).one_or_none()
        if found is None:
            return None
        if found.body_sha256 != digest:
            raise Conflict(f"The Idempotency-Key {key!r} was used before for another request; use a new one.")
        return found.status, found.response

    def keep(self, session: Session, subject: str, key: str, digest: str, answer: Answer) -> None:
        """Remember an answer, in the transaction that did what it says."""
        status, response = answer
        row = {"subject": subject, "key": key, "body_sha256": digest, "status": status, "response": response}
        session.connection().execute(_KEEP, {**row, "at": now()})

"""The queries on galleries. Whoever changes one counts its revision up in the same transaction."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session, defer

from data_processor.database import Database
from data_processor.models.repository import find_model
from data_processor.rows import FacePictureRow, GalleryRow, ModelRow, PersonRow
from data_processor.service.errors import Conflict, NotFound
from data_processor.tasks.registry import picture_task

AT_ONCE = 200
"""Face crops that one query reads: about 4 MB."""

P, F = PersonRow, FacePictureRow


class Face(NamedTuple):
    """What a gallery has of a face, without its crop."""

    id: str
    person: str
    kind: str


def find_face_model(session: Session, name: str) -> ModelRow:
    """Return a model that has a gallery; raises `NotFound`, and `Conflict` for one of another task."""
    row = find_model(session, name)
    if picture_task(row.task) is None:
        raise Conflict(f"Model {name!r} is for {row.task}, and knows no persons.")
    return row


def find_person(session: Session, model: str, person: str, lock: Database | None = None) -> PersonRow:
    """Return a person of a gallery, locked until the transaction ends if a database is given.

    Raises `NotFound`.
    """
    query = select(P).where(P.model == model, P.id == person, P.forgotten_at.is_(None))
    row = session.scalar(lock.lock(query) if lock else query)
    if row is None:
        raise NotFound(f"Model {model!r} knows no person {person!r}.")
    return row


def person_called(session: Session, model: str, label: str) -> PersonRow | None:
    """Return the person with this label, if there is one; also one who is just being forgotten."""
    return session.scalar(select(P).where(P.model == model, P.label == label))


def persons_of(session: Session, model: str) -> list[PersonRow]:
    """Return the persons of a gallery by label."""
    return list(
        session.scalars(select(P).where(P.model == model, P.forgotten_at.is_(None)).order_by(P.label))
    )


def pictures_of(session: Session, model: str, person: str | None = None) -> list[FacePictureRow]:
    """Return the face pictures of a gallery, or of one person, the oldest first; without their crops."""
    query = select(F).options(defer(F.crop, raiseload=True)).where(F.model == model)
    query = query if person is None else query.where(F.person == person)
    return list(session.scalars(query.order_by(F.added_at, F.id)))


def faces_of(session: Session, model: str) -> list[Face]:
    """Return every face that recognition compares with, in a fixed order."""
    query = select(F.id, F.person, F.kind).join(P, P.id == F.person)
    query = query.where(F.model == model, P.forgotten_at.is_(None)).order_by(F.id)
    return [Face._make(row) for row in session.execute(query)]


def crops_of(session: Session, ids: Sequence[str]) -> dict[str, bytes]:
    """Return face crops by the ids of their pictures."""
    found: dict[str, bytes] = {}
    for start in range(0, len(ids), AT_ONCE):
        query = select(F.id, F.crop).where(F.id.in_(ids[start : start + AT_ONCE]))
        found.update({row.id: row.crop for row in session.execute(query)})
    return found


def labels_of(session: Session, model: str) -> dict[str, str]:
    """Return the labels of a gallery's persons by id."""
    query = select(P.id, P.label).where(P.model == model, P.forgotten_at.is_(None))
    return {row.id: row.label for row in session.execute(query)}


def revisions(session: Session, models: Collection[str]) -> dict[str, int]:
    """Return how often galleries were changed; those that never were are left out."""
    query = select(GalleryRow.model, GalleryRow.revision).where(GalleryRow.model.in_(models))
    return {row.model: row.revision for row in session.execute(query)}


def changed(session: Session, database: Database, model: str) -> None:
    """Count a change of a gallery; until the transaction ends, nobody else changes it."""
    database.insert_if_absent(session, GalleryRow, model=model, revision=0)
    row = session.scalars(database.lock(select(GalleryRow).where(GalleryRow.model == model))).one()
    row.revision += 1


def overdue(session: Session, at: datetime) -> list[PersonRow]:
    """Return the persons who are to be forgotten by now, and those whose forgetting was interrupted."""
    query = select(P).where((P.keep_until <= at) | P.forgotten_at.is_not(None)).order_by(P.id)
    return list(session.scalars(query))

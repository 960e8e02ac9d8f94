"""Persons: who is known to a model for faces, and what is kept about them."""

from collections.abc import Callable
from datetime import datetime
from uuid import uuid4

from sqlalchemy import update
from sqlalchemy.orm import Session

from data_processor.caller import Caller
from data_processor.database import Database
from data_processor.gallery import repository
from data_processor.gallery.schemas import Person, PersonChange, PersonRequest
from data_processor.rows import FacePictureRow, PersonRow
from data_processor.service.database import now
from data_processor.service.errors import Conflict, Forbidden, Invalid

MOST = 10_000
"""Persons that a gallery may have."""


class Persons:
    """The persons of a stage's galleries."""

    def __init__(self, database: Database, seen: Callable[[str], None]) -> None:
        """Keep them in the records database; `seen` lets this process take in what changed in a gallery."""
        self._database = database
        self._seen = seen

    def all(self, model: str) -> list[Person]:
        """Return the persons of a gallery by label; raises `NotFound` and `Conflict`."""
        with self._database.reading() as session:
            repository.find_face_model(session, model)
            pictures: dict[str, list[FacePictureRow]] = {}
            for picture in repository.pictures_of(session, model):
                pictures.setdefault(picture.person, []).append(picture)
            return [Person.of(row, pictures.get(row.id, [])) for row in repository.persons_of(session, model)]

    def one(self, model: str, person: str) -> Person:
        """Return a person; raises `NotFound`."""
        with self._database.reading() as session:
            repository.find_face_model(session, model)
            return _described(session, repository.find_person(session, model, person))

    def change(self, model: str, person: str, asked: PersonChange) -> Person:
        """Rename a person, change what is kept about them, or give them the pictures of another.

        Raises `NotFound`, and `Conflict` for a label that is taken.
        """
        given = asked.model_dump(exclude_unset=True, exclude={"merge"})
        _check_dates(asked.keep_until)
        with self._database.transaction() as session:
            repository.find_face_model(session, model)
            # Before the person: everybody who changes a gallery takes its turn there.
            repository.changed(session, self._database, model)
            row = repository.find_person(session, model, person, self._database)
            if asked.merge is not None:
                self._merge(session, row, asked.merge)
            label = given.get("label") or row.label
            if label != row.label and repository.person_called(session, model, label) is not None:
                raise taken(model, label)
            if label != row.label:
                row.former = [*row.former, row.label]
            for name, value in given.items():
                if value is not None or name in {"consent_at", "keep_until"}:
                    setattr(row, name, value)
            session.flush()
            person_now = _described(session, row)
        self._seen(model)
        return person_now

    def _merge(self, session: Session, row: PersonRow, other: str) -> None:
        if other == row.id:
            raise Invalid(
                "The person was not changed.",
                errors=[{"loc": ["body", "merge"], "message": "is the person's own id: name another"}],
            )
        gone = repository.find_person(session, row.model, other, self._database)
        row.former = [*row.former, *gone.former, gone.label]
        row.created_at = min(row.created_at, gone.created_at)
        enrolled = update(FacePictureRow).where(FacePictureRow.person == gone.id)
        session.execute(enrolled.values(person=row.id))
        session.delete(gone)
        session.flush()


def add_person(session: Session, model: str, asked: PersonRequest, caller: Caller) -> PersonRow:
    """Add a person to a gallery; raises `Conflict` for a label that is taken, or a gallery that is full."""
    _check_dates(asked.keep_until)
    if repository.person_called(session, model, asked.label) is not None:
        raise taken(model, asked.label)
    if len(repository.labels_of(session, model)) >= MOST:
        raise Conflict(f"The gallery of {model!r} has {MOST} persons, and no more are kept.")
    row = PersonRow(
        id=uuid4().hex,
        model=model,
        former=[],
        subject=caller.subject,
        created_at=now(),
        forgotten_at=None,
        **asked.model_dump(exclude={"images"}),
    )
    session.add(row)
    session.flush()
    return row


def person_to_teach(session: Session, model: str, label: str, caller: Caller) -> PersonRow:
    """Return the person with a label, who is added if nobody has it.

    Whoever could add a picture to anybody could be let in as anybody: users only teach the model those they
    enrolled themselves. Raises `Forbidden`.
    """
    row = repository.person_called(session, model, label)
    if row is None:
        return add_person(session, model, PersonRequest(label=label), caller)
    if row.forgotten_at is not None:
        raise Conflict(f"{label!r} is being forgotten at this moment; try again in a minute.")
    check_may_teach(row, caller)
    return row


def check_may_teach(row: PersonRow, caller: Caller) -> None:
    """Raise `Forbidden` if a caller may not add pictures to a person."""
    if not caller.sees_everything and row.subject != caller.subject:
        raise Forbidden(
            f"{row.label!r} was enrolled by somebody else: an engineer can add pictures to this person."
        )


def taken(model: str, label: str) -> Conflict:
    """Return what to tell whoever wants a label that somebody has."""
    return Conflict(
        f"Model {model!r} knows somebody called {label!r} already. Choose another label, or add the "
        "picture to that person."
    )


def _described(session: Session, row: PersonRow) -> Person:
    return Person.of(row, repository.pictures_of(session, row.model, row.id))


def _check_dates(keep_until: datetime | None) -> None:
    if keep_until is not None and keep_until <= now():
        message = f"is over ({keep_until:%Y-%m-%d %H:%M} UTC): give a time to come, or delete the person"
        raise Invalid(
            "The person was not kept.", errors=[{"loc": ["body", "keep_until"], "message": message}]
        )

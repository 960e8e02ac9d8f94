"""Forgetting a person: nobody knows them from the first moment on, and then everything that was kept goes.

    at once     the gallery: the person is recognised no more, in any process
    after that  pictures in the store, what predictions and feedback say of them, answers kept to be repeated,
                the tables of dataset versions they may be in; last of all the person's own row

Whatever interrupts it, the next sweep goes on from the beginning: each part may be repeated. An error with
one person keeps nobody else from being forgotten. What versions learnt of a person, a projection and a
distance, does not tell anybody apart and stays.
"""

import json
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Protocol

import structlog
from sqlalchemy import String, cast, delete, or_, update

from data_processor.database import Database
from data_processor.gallery import repository
from data_processor.predictions.records import PredictionStore
from data_processor.rows import FacePictureRow, FeedbackRow, IdempotencyRow, PersonRow
from data_processor.service.database import now
from data_processor.service.errors import NotFound

log = structlog.get_logger(__name__)

Purge = Callable[[str, datetime], int]
"""Deletes the tables of a dataset's versions since a time for good; returns how many."""


class PictureStore(Protocol):
    """Where pictures are kept."""

    def delete(self, image: str) -> None:
        """Delete a picture if there is one."""

    def delete_label(self, label: str) -> None:
        """Delete all pictures that somebody sent under a label."""


GRACE = timedelta(seconds=10)
"""From the first moment until what was kept is deleted: processes that have yet to see that somebody is to be
forgotten may name them for a second, and what they record goes, too."""


class Forgetting:
    """Begins to forget persons."""

    def __init__(self, database: Database, seen: Callable[[str], None] | None = None) -> None:
        """Forget in the records database; `seen` lets this process take in what changed in a gallery."""
        self._database = database
        self._seen = seen

    def begin(self, model: str, person: str) -> None:
        """Let nobody know a person any more; raises `NotFound`."""
        with self._database.transaction() as session:
            repository.find_face_model(session, model)
            repository.changed(session, self._database, model)
            row = repository.find_person(session, model, person, self._database)
            row.forgotten_at = now()
        if self._seen is not None:
            self._seen(model)


class Sweeping:
    """Finishes what `Forgetting` began, and begins it for whoever's time is over; for the leading worker."""

    def __init__(
        self,
        database: Database,
        predictions: PredictionStore,
        pictures: PictureStore,
        purge: Purge,
        grace: timedelta = GRACE,
    ) -> None:
        """Remove what is kept about persons from the databases, the pictures' store and the datasets."""
        self._grace = grace
        self._database = database
        self._predictions = predictions
        self._pictures = pictures
        self._purge = purge

    def sweep(self) -> None:
        """Forget everybody who is to be forgotten by now; the next sweep tries again where that failed."""
        with self._database.reading() as session:
            overdue = repository.overdue(session, now())
        begun = [row for row in overdue if row.forgotten_at is not None]
        for row in overdue:
            if row.forgotten_at is None:
                self._apart(self._begin, row)
        due = [row for row in begun if row.forgotten_at and row.forgotten_at + self._grace <= now()]
        forgotten = [row for row in due if self._apart(self._forget, row)]
        if forgotten:
            self._database.scrub()
            self._predictions.scrub()

    def _apart(self, step: Callable[[PersonRow], None], row: PersonRow) -> bool:
        """Take a step for one person, and say whether it succeeded: an error is logged and stops no other."""
        try:
            step(row)
        except Exception:  # stores, repositories and databases raise all sorts of errors
            log.exception("person_not_forgotten", model=row.model, person=row.id)
            return False
        return True

    def _begin(self, row: PersonRow) -> None:
        with suppress(NotFound):
            Forgetting(self._database).begin(row.model, row.id)

    def _forget(self, row: PersonRow) -> None:
        labels = self._labels(row)
        with self._database.reading() as session:
            mine = repository.pictures_of(session, row.model, row.id)
        self._purge(row.model, row.created_at)  # a gallery has the name of its model
        for picture in mine:
            self._pictures.delete(picture.image)
        for label in labels:
            self._pictures.delete_label(label)
        asked = self._predictions.forget(row.model, row.id)
        for image in asked.values():
            self._pictures.delete(image)
        self._redact(row, labels, list(asked))
        with self._database.transaction() as session:
            repository.changed(session, self._database, row.model)
            session.execute(delete(FacePictureRow).where(FacePictureRow.person == row.id))
            session.execute(delete(PersonRow).where(PersonRow.id == row.id))
        log.info("person_forgotten", model=row.model, person=row.id)

    def _labels(self, row: PersonRow) -> list[str]:
        """Return the labels of a person, but for former ones that somebody else has now."""
        with self._database.reading() as session:
            taken = set(repository.labels_of(session, row.model).values())
        return [row.label, *(label for label in row.former if label not in taken)]

    def _redact(self, row: PersonRow, labels: list[str], predictions: list[str]) -> None:
        """Take a person's labels out of the feedback, and what was said of answers that named them."""
        mine = FeedbackRow.model == row.model
        nothing: dict[str, Any] = {"label": None, "comment": None}
        with self._database.transaction() as session:
            session.execute(update(FeedbackRow).where(mine, FeedbackRow.label.in_(labels)).values(nothing))
            for start in range(0, len(predictions), repository.AT_ONCE):
                about = FeedbackRow.prediction.in_(predictions[start : start + repository.AT_ONCE])
                session.execute(update(FeedbackRow).where(mine, about).values(nothing))
            answers = cast(IdempotencyRow.response, String)
            named = [answers.contains(_inside(label), autoescape=True) for label in labels]
            session.execute(delete(IdempotencyRow).where(or_(*named)))


def _inside(label: str) -> str:
    """Return a label as it stands in JSON that the records database keeps."""
    return json.dumps(label)

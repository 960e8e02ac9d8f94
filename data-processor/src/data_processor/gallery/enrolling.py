"""Enrolling: pictures by which persons are known from now on, and those of others who are not them."""

from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from uuid import uuid4

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from data_processor.caller import Caller
from data_processor.database import Database
from data_processor.gallery import repository
from data_processor.gallery.faces import FaceReader, Seen
from data_processor.gallery.persons import add_person, check_may_teach, person_to_teach
from data_processor.gallery.schemas import Enrolled, Person, PersonRequest, TrainingPicture
from data_processor.gallery.views import ENROLLED, GalleryView, Views
from data_processor.predictions.records import Prediction
from data_processor.rows import FacePictureRow, PersonRow
from data_processor.service.database import now
from data_processor.service.errors import Conflict, FieldError, Invalid, NotFound
from data_processor.tasks.faces.crops import FaceCrop, encode_crop

IMPOSTOR = "impostor"
MOST_PICTURES = 200
"""Pictures of one person, and as many of impostors: more make recognition slower, and no better."""
MOST_FACES = 20_000
"""Faces of a gallery: as they are, they take 300 MB in each process that serves it."""

ViewOf = Callable[[str], GalleryView | None]
"""Returns the gallery of a model as the version sees it that this process serves, if it serves one."""


class Enrolling:
    """Adds faces to galleries and takes them out."""

    def __init__(self, database: Database, faces: FaceReader, views: Views, view_of: ViewOf) -> None:
        """Cut the faces out of pictures with `faces`, and let `views` see them at once."""
        self._database = database
        self._faces = faces
        self._views = views
        self._view_of = view_of

    def enrol(self, model: str, asked: PersonRequest, caller: Caller) -> Person:
        """Add a person with pictures, all or nothing.

        Raises `NotFound`, `Conflict` for a label that is taken, `Invalid` for a picture that cannot be used.
        """
        self._require(model)
        images = list(dict.fromkeys(asked.images))
        found = [self._faces.only(image, ("body", "images", place)) for place, image in enumerate(images)]
        crops = _all(found)
        with self._database.transaction() as session:
            repository.find_face_model(session, model)
            repository.changed(session, self._database, model)
            row = add_person(session, model, asked, caller)
            for image, seen in zip(images, crops, strict=True):
                _add(session, row, image, seen.face, caller)
            person = Person.of(row, repository.pictures_of(session, model, row.id))
        self._views.refresh(model)
        return person

    def teach(self, model: str, asked: TrainingPicture, caller: Caller) -> Enrolled:
        """Add a picture to whoever has a label; a label that nobody has makes a new person.

        A picture that the person has already changes nothing. Raises as `enrol` does, and `Forbidden` for a
        user who did not enrol the person.
        """
        self._require(model)
        seen = self._faces.only(asked.image, ("body", "image")).result()
        with self._database.transaction() as session:
            repository.find_face_model(session, model)
            repository.changed(session, self._database, model)
            row = person_to_teach(session, model, asked.label, caller)
            picture = _add(session, row, asked.image, seen.face, caller)
            person = row.id
        return self._enrolled(model, person, picture)

    def add(self, model: str, person: str, image: str, caller: Caller) -> Enrolled:
        """Add a picture to a person; raises as `teach` does."""
        self._require(model, person)
        seen = self._faces.only(image, ("body", "image")).result()
        with self._database.transaction() as session:
            repository.changed(session, self._database, model)
            row = repository.find_person(session, model, person, self._database)
            check_may_teach(row, caller)
            picture = _add(session, row, image, seen.face, caller)
        return self._enrolled(model, person, picture)

    def take_out(self, model: str, person: str, picture: str) -> None:
        """Take a picture out of a gallery; raises `NotFound`."""
        self._require(model, person)
        with self._database.transaction() as session:
            repository.changed(session, self._database, model)
            mine = (FacePictureRow.id == picture) & (FacePictureRow.person == person)
            gone = session.scalar(delete(FacePictureRow).where(mine).returning(FacePictureRow.id))
            if gone is None:
                raise NotFound(f"This person has no picture {picture!r}.")
        self._views.refresh(model)

    def crop(self, model: str, person: str, picture: str) -> bytes:
        """Return the face crop of a picture as a JPEG; raises `NotFound`."""
        self._require(model, person)
        mine = (FacePictureRow.id == picture) & (FacePictureRow.person == person)
        with self._database.reading() as session:
            crop = session.scalar(select(FacePictureRow.crop).where(mine))
        if crop is None:
            raise NotFound(f"This person has no picture {picture!r}.")
        return crop

    def told(self, prediction: Prediction, caller: Caller, *, correct: bool) -> None:
        """Learn from feedback on an answer that named somebody.

        "This is not …": the face that was asked about is never taken for that person again, as long as the
        picture is still in the store. Whoever changes their mind takes that back.
        """
        image, person = prediction.inputs.get("image"), prediction.output.get("person")
        if not isinstance(image, str) or not isinstance(person, str):
            return
        if correct:
            self._take_back(prediction, caller)
        else:
            # The picture has expired, the person is gone, or as many impostors are known as are kept.
            with suppress(Conflict, Invalid, NotFound):
                self._contradict(prediction.model, person, image, caller, prediction.id)
        self._views.refresh(prediction.model)

    def _contradict(self, model: str, person: str, image: str, caller: Caller, prediction: str) -> None:
        seen = self._faces.asked(image, ("image",), lambda crop: crop).result()
        with self._database.transaction() as session:
            repository.changed(session, self._database, model)
            row = repository.find_person(session, model, person, self._database)
            _add(session, row, image, seen.face, caller, prediction=prediction)

    def _take_back(self, prediction: Prediction, caller: Caller) -> None:
        mine = (FacePictureRow.prediction == prediction.id) & (FacePictureRow.subject == caller.subject)
        with self._database.transaction() as session:
            gone = session.execute(delete(FacePictureRow).where(mine).returning(FacePictureRow.id)).all()
            if gone:
                repository.changed(session, self._database, prediction.model)

    def _enrolled(self, model: str, person: str, picture: str) -> Enrolled:
        self._views.refresh(model)
        view = self._view_of(model)
        return Enrolled(score=view.score(person) if view else None, person=person, picture=picture)

    def _require(self, model: str, person: str | None = None) -> None:
        """Raise `NotFound` or `Conflict` before any picture is looked at."""
        with self._database.reading() as session:
            repository.find_face_model(session, model)
            if person is not None:
                repository.find_person(session, model, person)


def _all(found: list[Future[Seen]]) -> list[Seen]:
    """Return what was found in every picture; raises one `Invalid` that names each that cannot be used."""
    errors: list[FieldError] = []
    seen = []
    for future in found:
        try:
            seen.append(future.result())
        except Invalid as refused:
            errors += refused.errors or ()
    if errors:
        raise Invalid("Nobody was enrolled: some of the pictures cannot be used.", errors=errors)
    return seen


def _add(
    session: Session,
    row: PersonRow,
    image: str,
    crop: FaceCrop,
    caller: Caller,
    *,
    prediction: str | None = None,
) -> str:
    """Add a face to a person, or an impostor's; return the picture's id. Once per picture."""
    kind = ENROLLED if prediction is None else IMPOSTOR
    mine = (FacePictureRow.model == row.model) & (FacePictureRow.person == row.id)
    same = mine & (FacePictureRow.image == image) & (FacePictureRow.kind == kind)
    if (known := session.scalar(select(FacePictureRow.id).where(same))) is not None:
        return known
    of_kind = select(func.count(FacePictureRow.id)).where(mine, FacePictureRow.kind == kind)
    if (session.scalar(of_kind) or 0) >= MOST_PICTURES:
        raise Conflict(
            f"{row.label!r} has {MOST_PICTURES} pictures, and no more are kept: take some out first."
        )
    faces = select(func.count(FacePictureRow.id)).where(FacePictureRow.model == row.model)
    if (session.scalar(faces) or 0) >= MOST_FACES:
        raise Conflict(f"The gallery has {MOST_FACES} faces, and no more are kept: take some out first.")
    added = FacePictureRow(
        id=uuid4().hex,
        model=row.model,
        person=row.id,
        kind=kind,
        crop=encode_crop(crop),
        image=image,
        prediction=prediction,
        subject=caller.subject,
        added_at=now(),
    )
    session.add(added)
    session.flush()
    return added.id

"""Galleries: who is known to a model for faces, and the face crops that they are known by."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from data_processor.rows.base import Base
from data_processor.service.database import now


class GalleryRow(Base):
    """How often the gallery of a model was changed: whoever has seen this number has seen every change."""

    __tablename__ = "galleries"

    model: Mapped[str] = mapped_column(primary_key=True)
    revision: Mapped[int]


class PersonRow(Base):
    """Somebody who is enrolled in a gallery, and what is kept about them."""

    __tablename__ = "persons"
    __table_args__ = (UniqueConstraint("model", "label"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    """32 hex digits that say nothing about the person: datasets and versions know no other name."""
    model: Mapped[str]
    label: Mapped[str]
    """The name that the model answers with."""
    former: Mapped[list[Any]]
    """Labels that it had before: what is kept under them goes with the person."""
    contact: Mapped[str]
    details: Mapped[dict[str, Any]]
    """Free fields: texts by name."""
    consent_at: Mapped[datetime | None]
    """When the person agreed to be recognised, if that is known."""
    keep_until: Mapped[datetime | None]
    """When the person is to be forgotten."""
    forgotten_at: Mapped[datetime | None]
    """Since when nobody knows the person any more; the row goes when all that was kept is gone."""
    subject: Mapped[str]
    """Who enrolled the person."""
    created_at: Mapped[datetime] = mapped_column(default=now)


class FacePictureRow(Base):
    """One face crop of a gallery."""

    __tablename__ = "face_pictures"
    __table_args__ = (Index("face_pictures_of_a_person", "model", "person"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    model: Mapped[str]
    person: Mapped[str]
    """The id of the person whose face it is, or for whom it must not be taken."""
    kind: Mapped[str]
    """`enrolled`, or `impostor`: somebody else, who was taken for the person."""
    crop: Mapped[bytes] = mapped_column(LargeBinary)
    """The face crop as a JPEG (`tasks/faces/crops.py`)."""
    image: Mapped[str]
    """The picture that it was cut from, by its name in the store; that may be gone."""
    prediction: Mapped[str | None]
    """Of an impostor: the answer that was wrong."""
    subject: Mapped[str]
    """Who added it."""
    added_at: Mapped[datetime] = mapped_column(default=now)

"""What the routes of galleries take and give."""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from data_processor.pictures.names import Label
from data_processor.rows import FacePictureRow, PersonRow

MOST_DETAILS = 50
Plain = r"^[^\x00-\x08\x0b-\x1f\x7f]*$"
"""No control characters, but for tabs and line breaks."""
Image = Annotated[
    str,
    Field(min_length=1, max_length=300, description="A picture in the store, by its name."),
]
Contact = Annotated[str, Field(max_length=500, pattern=Plain)]
Details = Annotated[
    dict[
        Annotated[str, Field(min_length=1, max_length=64, pattern=Plain)],
        Annotated[str, Field(max_length=1000)],
    ],
    Field(max_length=MOST_DETAILS, description="Free fields: texts by name."),
]


class PersonRequest(BaseModel):
    """A person who is to be known."""

    model_config = ConfigDict(extra="forbid")

    label: Label
    contact: Contact = ""
    details: Details = {}
    consent_at: AwareDatetime | None = Field(
        None, description="When the person agreed to be recognised, if they did."
    )
    keep_until: AwareDatetime | None = Field(
        None, description="When the person is forgotten, pictures and all; null: when somebody says so."
    )
    images: list[Image] = Field(
        [],
        max_length=20,
        description="Pictures of the person; if one of them is refused, nobody is enrolled.",
    )


class PersonChange(BaseModel):
    """What is to be changed about a person; what is left out stays."""

    model_config = ConfigDict(extra="forbid")

    label: Label | None = None
    contact: Contact | None = None
    details: Details | None = None
    consent_at: AwareDatetime | None = None
    keep_until: AwareDatetime | None = None
    merge: str | None = Field(
        None,
        max_length=64,
        description="The id of somebody who turned out to be the same person: their pictures go to this one, "
        "and the other is gone.",
    )


class PictureRequest(BaseModel):
    """A picture of a person, or of somebody who must not be taken for them."""

    model_config = ConfigDict(extra="forbid")

    image: Image


class TrainingPicture(BaseModel):
    """A labelled picture: whoever the label names is known by it from now on."""

    model_config = ConfigDict(extra="forbid")

    label: Label
    image: Image


class Enrolled(BaseModel):
    """What became of a labelled picture."""

    score: float | None = Field(
        ge=0,
        le=1,
        description="The share of the person's pictures that are recognised, each compared with all but "
        "itself; null for the first, and while the stage serves no version.",
    )
    person: str = Field(description="The person's id.")
    picture: str = Field(description="The picture's id.")


class FacePicture(BaseModel):
    """One face in a gallery."""

    id: str
    kind: Literal["enrolled", "impostor"] = Field(
        description="impostor: somebody else, who was taken for the person and no longer is."
    )
    image: str = Field(description="The picture that it was cut from; the store may no longer have it.")
    prediction: str | None = Field(description="Of an impostor: the answer that was wrong.")
    subject: str = Field(description="Who added it.")
    added_at: datetime


class Person(BaseModel):
    """Somebody who is known, and what is kept about them."""

    id: str
    label: str
    contact: str
    details: dict[str, str]
    consent_at: datetime | None
    keep_until: datetime | None
    subject: str = Field(description="Who enrolled the person.")
    created_at: datetime
    pictures: list[FacePicture]

    @classmethod
    def of(cls, row: PersonRow, pictures: list[FacePictureRow]) -> Self:
        """Describe a person."""
        described = {name: getattr(row, name) for name in cls.model_fields if name != "pictures"}
        faces = [FacePicture.model_validate(one, from_attributes=True) for one in pictures]
        return cls(**described, pictures=faces)


class Review(BaseModel):
    """An answer that somebody who knows should look at."""

    prediction: str
    at: datetime
    image: str = Field(description="The picture that was asked about; the store may no longer have it.")
    label: str | None = Field(description="The answer; null: not recognised.")
    distance: float | None
    threshold: float
    confidence: float
    reason: Literal["near-threshold", "contradicted"] = Field(
        description="near-threshold: a little more or less would have changed the answer; contradicted: a "
        "user said that it is wrong. Feedback by an engineer, or by whoever is trusted, settles either."
    )

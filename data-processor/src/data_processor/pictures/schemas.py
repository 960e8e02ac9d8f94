"""What the routes of pictures take and give."""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from data_processor.pictures.names import QUERY, ContentType, Folder, Label

MAX_NAME = 400
MAX_BASE64 = 10 * 1024 * 1024
MAX_SIDE = 100_000
"""Pixels: more than any picture has that is read."""


class PictureRequest(BaseModel):
    """A picture that is to be uploaded."""

    model_config = ConfigDict(extra="forbid")

    folder: Folder
    label: Label | None = Field(
        None, description="Of `train-images` alone: the label of the person whom it shows."
    )
    content_type: ContentType = "image/jpeg"

    @model_validator(mode="after")
    def _has_the_label_it_needs(self) -> Self:
        if (self.folder == QUERY) != (self.label is None):
            told = "takes no label" if self.folder == QUERY else "needs the label of the person"
            raise ValueError(f"folder {self.folder!r} {told}")
        return self


class Upload(BaseModel):
    """The request that uploads a picture."""

    method: Literal["PUT"] = "PUT"
    url: str = Field(
        description="With a host: needs no credential. A path only: of this API, and needs the usual one."
    )
    headers: dict[str, str]


class PictureOffer(BaseModel):
    """The name of a new picture, and how to upload it."""

    image: str
    upload: Upload
    expires_at: datetime = Field(description="Until when it may be uploaded.")


class PictureStored(BaseModel):
    """A picture that is in the store."""

    image: str


class FaceBoxRequest(BaseModel):
    """A picture in which a face is to be found: one of the store, or the picture itself."""

    model_config = ConfigDict(extra="forbid")

    image: str | None = Field(None, max_length=MAX_NAME, description="The name of a picture in the store.")
    data_base64: str | None = Field(
        None, max_length=MAX_BASE64, description="A JPEG, PNG or WebP image, in base64."
    )

    @model_validator(mode="after")
    def _has_one_picture(self) -> Self:
        if (self.image is None) == (self.data_base64 is None):
            raise ValueError("give either image or data_base64")
        return self


class FaceBox(BaseModel):
    """A face's square, as far as it is within the picture, in pixels from its upper left corner."""

    x: int
    y: int
    width: int
    height: int


class FaceBoxFound(BaseModel):
    """Where the face is."""

    box: FaceBox | None = Field(description="Of the largest face; null: there is none.")
    faces: int = Field(description="How many faces there are, without those much smaller than the largest.")


class ImageRequest(BaseModel):
    """A picture that is to be turned to black and white."""

    model_config = ConfigDict(extra="forbid")

    image: str = Field(max_length=MAX_NAME, description="The name of a picture in the store.")


Place = Annotated[int, Field(ge=-MAX_SIDE, le=MAX_SIDE)]
Extent = Annotated[int, Field(ge=1, le=MAX_SIDE)]


class CropRequest(ImageRequest):
    """A part of a picture, in pixels from its upper left corner; what is beside the picture is left out."""

    x: Place
    y: Place
    width: Extent
    height: Extent


class ImageMade(BaseModel):
    """A new picture, which expires as every query picture does."""

    image: str

"""What the routes of pictures take and give."""

from datetime import datetime
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from data_processor.pictures.names import QUERY, ContentType, Folder, Label


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

"""The names of pictures, which are their keys in the store as well.

query-images/<32 hex digits>.<jpg|png|webp>            somebody asks who it is; kept for some days
train-images/<label>/<32 hex digits>.<jpg|png|webp>    shows the person whose label it is; kept
                                                       for as long as somebody is known by it
"""

import re
import secrets
from typing import Annotated, Literal, NamedTuple

from pydantic import AfterValidator

Folder = Literal["query-images", "train-images"]
ContentType = Literal["image/jpeg", "image/png", "image/webp"]
QUERY: Folder = "query-images"
TRAIN: Folder = "train-images"
EXTENSIONS: dict[ContentType, str] = {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp"}
TYPES: dict[str, ContentType] = {extension: known for known, extension in EXTENSIONS.items()}
MAX_LABEL = 64
MAX_LABEL_BYTES = 255
"""What a file system takes as the name of a folder; only 64 characters of four bytes each are longer."""

_FILE = re.compile(r"[0-9a-f]{32}\.(jpg|png|webp)", re.ASCII)


class BadNameError(ValueError):
    """A text is not the name of a picture; the message says what one is."""


class PictureName(NamedTuple):
    """The name of a picture, taken apart."""

    folder: Folder
    label: str | None
    """The label of the person whom a training picture shows."""
    file: str

    def __str__(self) -> str:
        """Return the name as a whole."""
        return "/".join(part for part in self if part is not None)

    @property
    def content_type(self) -> ContentType:
        """Return what kind of a file it is."""
        return TYPES[self.file.rpartition(".")[2]]


def parse(name: str) -> PictureName:
    """Take the name of a picture apart; raises `BadNameError`."""
    folder, *labels, file = name.split("/") if "/" in name else ("", name)
    if _FILE.fullmatch(file):
        if folder == QUERY and not labels:
            return PictureName(QUERY, None, file)
        if folder == TRAIN and len(labels) == 1:
            return PictureName(TRAIN, checked_label(labels[0]), file)
    raise BadNameError(
        f"{name[:400]!r} is not the name of a picture: that is {QUERY}/FILE or {TRAIN}/LABEL/FILE, and FILE "
        "32 hex digits with .jpg, .png or .webp."
    )


def new_name(folder: Folder, label: str | None, content_type: ContentType) -> PictureName:
    """Return a name that no picture has."""
    return PictureName(folder, label, f"{secrets.token_hex(16)}.{EXTENSIONS[content_type]}")


def checked_label(label: str) -> str:
    """Return a label if pictures can be kept under it; raises `BadNameError`."""
    plain = label.isprintable() and not set("/\\") & set(label) and label == label.strip()
    if not (0 < len(label) <= MAX_LABEL and plain and not label.startswith(".")):
        raise BadNameError(
            f"{label[: 2 * MAX_LABEL]!r} cannot be a label: one has 1 to {MAX_LABEL} printable characters, "
            "no slash or backslash, no dot at its beginning, and no space at its ends."
        )
    if len(label.encode()) > MAX_LABEL_BYTES:
        raise BadNameError(f"{label!r} cannot be a label: it has more than {MAX_LABEL_BYTES} bytes.")
    return label


Label = Annotated[str, AfterValidator(checked_label)]

"""The pictures of a stage: announced, stored, read and deleted, each by its name."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from urllib.parse import quote

from data_processor.adapters.object_store import ObjectStore, ObjectTooLargeError
from data_processor.adapters.stores import open_picture_store
from data_processor.pictures.images import content_type_of
from data_processor.pictures.names import (
    QUERY,
    TRAIN,
    BadNameError,
    ContentType,
    Folder,
    PictureName,
    checked_label,
    new_name,
    parse,
)
from data_processor.service.errors import Conflict, Invalid, NotFound
from data_processor.settings import Settings

MAX_BYTES = 10 * 1024 * 1024
"""Of a picture; what the gateway takes as a body at most."""
PATH = "/v1/pictures"
UPLOAD_WITHIN = timedelta(minutes=15)
"""How long a URL to upload to is good for."""


class Offer(NamedTuple):
    """Where a picture may be uploaded to."""

    name: PictureName
    url: str
    """A path of the API where the store takes no uploads itself."""
    expires_at: datetime


class Pictures:
    """The pictures in a store."""

    def __init__(self, store: ObjectStore) -> None:
        """Keep pictures there."""
        self._store = store

    def offer(self, folder: Folder, label: str | None, content_type: ContentType) -> Offer:
        """Return a new name and where to upload its picture; raises `ObjectStoreError`.

        `label` is that of a training picture, and None for a query picture.
        """
        name = new_name(folder, label, content_type)
        expires_at = datetime.now(UTC) + UPLOAD_WITHIN
        url = self._store.presigned_put(str(name), UPLOAD_WITHIN)
        return Offer(name, url or f"{PATH}/{quote(str(name))}", expires_at)

    def put(self, name: PictureName, content: bytes) -> None:
        """Store a picture under its name.

        Raises `Invalid` for anything but an image of the kind that the name says, `Conflict` if there is
        another one, and `ObjectStoreError`.
        """
        found = content_type_of(content)
        if found != name.content_type:
            raise Invalid(
                f"{str(name)!r} must be uploaded as {name.content_type}, and this is "
                f"{found or 'no JPEG, PNG or WebP image'}: upload another file, or ask for another name."
            )
        key = str(name)
        if self._store.size(key) is not None and self._stored(name) != content:
            raise Conflict(f"There is another picture {key!r} already: ask for a new name.")
        self._store.put(key, content, name.content_type)

    def add(self, content: bytes, content_type: ContentType) -> str:
        """Store a new query picture and return its name; raises `ObjectStoreError`."""
        name = new_name(QUERY, None, content_type)
        self._store.put(str(name), content, content_type)
        return str(name)

    def get(self, name: PictureName) -> bytes:
        """Return a picture; raises `NotFound`, `Invalid` if it is too large, and `ObjectStoreError`."""
        content = self._stored(name)
        if content is None:
            raise NotFound(f"There is no picture {str(name)!r}; upload it first, or again if it has expired.")
        return content

    def read(self, name: str) -> bytes:
        """Return the picture that a request names; raises as `get`, and `Invalid` for another text."""
        try:
            return self.get(parse(name))
        except BadNameError as error:
            raise Invalid(str(error)) from error

    def delete(self, name: str) -> None:
        """Delete a picture if there is one; raises `ObjectStoreError`."""
        try:
            key = str(parse(name))
        except BadNameError:
            return
        self._store.delete(key)

    def delete_label(self, label: str) -> None:
        """Delete all training pictures of a label; raises `ObjectStoreError`."""
        try:
            folder = f"{TRAIN}/{checked_label(label)}/"
        except BadNameError:
            return
        for found in list(self._store.listed(folder)):
            self._store.delete(found.key)

    def expire(self, before: datetime) -> int:
        """Delete the query pictures that were stored before a time; return how many; `ObjectStoreError`."""
        old = self._older(QUERY, before)
        for key in old:
            self._store.delete(key)
        return len(old)

    def expire_training(self, before: datetime, known: Callable[[list[str]], set[str]]) -> int:
        """Delete the training pictures that were stored before a time and that nobody is known by.

        `known` returns those of some that somebody is known by. Returns how many were deleted; raises
        `ObjectStoreError`.
        """
        old = self._older(TRAIN, before)
        unknown = sorted(set(old) - known(old))
        for key in unknown:
            self._store.delete(key)
        return len(unknown)

    def _older(self, folder: Folder, before: datetime) -> list[str]:
        return [found.key for found in self._store.listed(f"{folder}/") if found.modified < before]

    def _stored(self, name: PictureName) -> bytes | None:
        try:
            return self._store.get(str(name), MAX_BYTES)
        except ObjectTooLargeError as error:
            raise Invalid(
                f"The picture {str(name)!r} has more than {error.most} bytes: upload a smaller one."
            ) from error


def open_pictures(settings: Settings) -> Pictures:
    """Open the pictures of a stage; nothing is connected yet. Raises `ValueError`."""
    return Pictures(open_picture_store(settings))

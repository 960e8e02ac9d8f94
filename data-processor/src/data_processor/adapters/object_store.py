"""Where reports and pictures are kept: a folder of this machine, or a bucket of any S3-compatible server.

ObjectStoreError       the server did not take or give an object; a 503 to whoever asked over HTTP
ObjectTooLargeError    an object is there, and larger than its reader allows

`s3_store.py` is the bucket, and `stores.py` opens what the settings name.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePosixPath
from typing import NamedTuple, Protocol

from data_processor.service.errors import NotReady


class ObjectStoreError(NotReady):
    """An object could not be stored, read or deleted."""


class ObjectTooLargeError(Exception):
    """An object has more bytes than its reader allows."""

    def __init__(self, key: str, most: int) -> None:
        super().__init__(f"Object {key!r} has more than {most} bytes.")
        self.most = most


class Stored(NamedTuple):
    """An object in a list of them."""

    key: str
    modified: datetime
    """When it was last written, in UTC."""


class ObjectStore(Protocol):
    """Keeps objects by key: relative paths whose parts are not empty and do not begin with a dot."""

    def put(self, key: str, content: bytes, content_type: str) -> None:
        """Store an object, whole or not at all; raises `ObjectStoreError`."""

    def get(self, key: str, max_bytes: int | None = None) -> bytes | None:
        """Return an object, or None if there is none.

        Raises `ObjectTooLargeError` if it has more than `max_bytes`, of which no more are read, and
        `ObjectStoreError`.
        """

    def size(self, key: str) -> int | None:
        """Return how many bytes an object has, or None if there is none; raises `ObjectStoreError`."""

    def listed(self, prefix: str) -> Iterator[Stored]:
        """Yield the objects whose keys begin with a prefix that ends in `/`; raises `ObjectStoreError`."""

    def delete(self, key: str) -> None:
        """Delete an object if there is one; raises `ObjectStoreError`."""

    def presigned_put(self, key: str, expires: timedelta) -> str | None:
        """Return a URL to which anybody may PUT this object until it expires; raises `ObjectStoreError`.

        None where there is no server that would take it.
        """


class FolderStore:
    """Keeps objects as files below a folder, which processes of one machine share."""

    def __init__(self, folder: Path) -> None:
        """Keep them here; the folder is made when it is needed."""
        self._folder = folder

    def put(self, key: str, content: bytes, content_type: str) -> None:
        """Store an object: its file appears complete and on disk, or not at all."""
        del content_type
        target = self._path(key)
        handle, temporary = _new_file(target.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).replace(target)
        finally:
            Path(temporary).unlink(missing_ok=True)

    def get(self, key: str, max_bytes: int | None = None) -> bytes | None:
        """Return an object, or None if there is none; raises `ObjectTooLargeError`."""
        try:
            with self._path(key).open("rb") as file:
                if max_bytes is None:
                    return file.read()
                content = file.read(max_bytes + 1)
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return None
        if len(content) > max_bytes:
            raise ObjectTooLargeError(key, max_bytes)
        return content

    def size(self, key: str) -> int | None:
        """Return how many bytes an object has, or None if there is none."""
        path = self._path(key)
        try:
            return path.stat().st_size if path.is_file() else None
        except FileNotFoundError:
            return None

    def listed(self, prefix: str) -> Iterator[Stored]:
        """Yield the objects below a prefix; those that are still being written are not among them."""
        for folder, folders, files in os.walk(self._path(prefix)):
            folders.sort()
            for name in sorted(files):
                if name.startswith("."):
                    continue
                path = Path(folder) / name
                try:
                    modified = datetime.fromtimestamp(path.stat().st_mtime, UTC)
                except FileNotFoundError:
                    continue
                yield Stored(path.relative_to(self._folder).as_posix(), modified)

    def delete(self, key: str) -> None:
        """Delete an object if there is one, and folders that it leaves empty: their names tell something."""
        path = self._path(key)
        path.unlink(missing_ok=True)
        with suppress(OSError):  # one of them is not empty, or gone already
            for folder in path.relative_to(self._folder).parents[:-1]:
                (self._folder / folder).rmdir()

    def presigned_put(self, key: str, expires: timedelta) -> None:
        """Return None: no server would take it."""
        del key, expires

    def _path(self, key: str) -> Path:
        parts = PurePosixPath(key)
        if not key or parts.is_absolute() or ".." in parts.parts:
            raise ValueError(f"{key!r} is not the key of an object.")
        return self._folder / parts


def _new_file(folder: Path) -> tuple[int, str]:
    """Open a new file in a folder that need not exist; return its handle and its path."""
    while True:
        # Somebody may delete the last object, and the folder with it, at any moment.
        with suppress(FileNotFoundError):
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except FileExistsError:  # pathlib says so, too, of a folder that went before it looked again
                if folder.is_file():
                    raise
                continue
            return tempfile.mkstemp(dir=folder, prefix=".new.")

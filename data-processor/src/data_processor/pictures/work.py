"""Services on a single picture: where the face is, a part of it, the same without colours.

They take a core for some hundredths of a second, so a small pool of threads does the work. What could not
begin within about a second is refused at once: a device would rather ask again than wait.
"""

import asyncio
import base64
import binascii
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from data_processor.pictures.service import Pictures
from data_processor.service.errors import Invalid, NotReady
from data_processor.tasks.faces.detection import Box
from data_processor.tasks.faces.editing import black_and_white, cropped, largest_face_box
from data_processor.tasks.faces.pictures import PictureRefusedError

MOST_THREADS = 2
WAITING = 32
"""Pictures that may be worked on or wait."""
RETRY_S = 1.0
SHOWN = 40
"""Characters of a value that a refusal repeats."""
T = TypeVar("T")


class PictureWork:
    """Works on pictures of the store, and puts what comes out there."""

    def __init__(self, pictures: Pictures, threads: int | None = None) -> None:
        """By default, work on as many at a time as there are cores, at most 2."""
        self._pictures = pictures
        threads = threads or min(MOST_THREADS, os.cpu_count() or 1)
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="pictures")
        self._places = threading.BoundedSemaphore(WAITING)

    def close(self) -> None:
        """Begin no more pictures."""
        self._pool.shutdown(cancel_futures=True)

    async def face_box(self, *, image: str | None, data_base64: str | None) -> tuple[Box | None, int]:
        """Return the box of the largest face, if there is any, and how many faces there are.

        The picture is one of the store, or is given as it is. Raises `NotReady`, `NotFound`, `Invalid`.
        """

        def find() -> tuple[Box | None, int]:
            if image is not None:
                with _telling("image", image):
                    return largest_face_box(self._pictures.read(image))
            with _telling("data_base64", data_base64 or ""):
                return largest_face_box(_decoded(data_base64 or ""))

        return await self._do(find)

    async def crop(self, image: str, box: Box) -> str:
        """Store the part of a picture that is in a box; return its name.

        Raises `NotReady`, `NotFound`, and `Invalid`, also where no part of the picture is in the box.
        """

        def cut() -> str:
            with _telling("image", image):
                part = cropped(self._pictures.read(image), box)
            if part is None:
                told = f"The box at {box.x}, {box.y} lies beside the picture {image!r}: give one within it."
                raise Invalid(told, errors=[{"loc": ["body", "x"], "message": told}])
            return self._pictures.add(part, "image/jpeg")

        return await self._do(cut)

    async def black_and_white(self, image: str) -> str:
        """Store a picture without its colours; return its name. Raises `NotReady`, `NotFound`, `Invalid`."""

        def turn() -> str:
            with _telling("image", image):
                made = black_and_white(self._pictures.read(image))
            return self._pictures.add(made, "image/jpeg")

        return await self._do(turn)

    async def _do(self, work: Callable[[], T]) -> T:
        if not self._places.acquire(blocking=False):
            raise NotReady("Too many pictures are waiting already; try again soon.", retry_after=RETRY_S)
        try:
            future = self._pool.submit(work)
        except RuntimeError:  # it is closed
            self._places.release()
            raise
        future.add_done_callback(lambda _: self._places.release())
        return await asyncio.wrap_future(future)


def _decoded(data_base64: str) -> bytes:
    try:
        return base64.b64decode(data_base64, validate=True)
    except (binascii.Error, ValueError) as error:
        raise PictureRefusedError("not-an-image", "it is not base64 of a picture") from error


@contextmanager
def _telling(field: str, value: str) -> Iterator[None]:
    """Name the field of the request in which a picture is that cannot be used."""
    try:
        yield
    except PictureRefusedError as refused:
        shown = value if field == "image" else f"{value[:SHOWN]}…"
        raise Invalid(
            f"The picture {shown!r} cannot be used: {refused}.",
            errors=[{"loc": ["body", field], "message": str(refused)}],
            reason=refused.reason,
        ) from refused
    except Invalid as refused:
        raise Invalid(
            refused.detail, errors=[{"loc": ["body", field], "message": refused.detail}]
        ) from refused

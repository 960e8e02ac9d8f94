"""Services on a single picture: where the face is, a part of it, the same without colours."""

import asyncio
import base64
import binascii
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from data_processor.pictures.pool import PicturePool
from data_processor.pictures.service import Pictures
from data_processor.service.errors import Invalid
from data_processor.tasks.faces.detection import Box
from data_processor.tasks.faces.editing import black_and_white, cropped, largest_face_box
from data_processor.tasks.faces.pictures import PictureRefusedError

SHOWN = 40
"""Characters of a value that a refusal repeats."""
T = TypeVar("T")


class PictureWork:
    """Works on pictures of the store, and puts what comes out there."""

    def __init__(self, pictures: Pictures, pool: PicturePool) -> None:
        """Work in the threads of a pool."""
        self._pictures = pictures
        self._pool = pool

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
        return await asyncio.wrap_future(self._pool.submit(work))


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

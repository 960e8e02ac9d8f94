"""The face in a picture of the store: fetched, found and cut out."""

from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import Any, NamedTuple

from numpy.typing import NDArray

from data_processor.pictures.pool import PicturePool
from data_processor.service.errors import Invalid
from data_processor.tasks.faces.crops import FaceCrop, largest_face, only_face
from data_processor.tasks.faces.pictures import Picture, PictureRefusedError, read_picture

Read = Callable[[str], bytes]
"""Returns a picture of the store by its name; raises a problem that says what is wrong with the name."""
Describe = Callable[[FaceCrop], NDArray[Any]]
"""Returns the signature of a face crop, or what else is wanted of it."""
Loc = tuple[str | int, ...]
"""Where a request names a picture."""


class Seen(NamedTuple):
    """A face as it is wanted, and how many there were in the picture."""

    face: NDArray[Any]
    """The face crop, or its signature."""
    faces: int


class FaceReader:
    """Finds the faces in pictures."""

    def __init__(self, read: Read, pool: PicturePool) -> None:
        """Fetch pictures with `read`, and look at them in the threads of a pool."""
        self._read = read
        self._pool = pool

    def asked(self, image: str, loc: Loc, describe: Describe) -> Future[Seen]:
        """Find the face that is asked about, the largest one, and describe it.

        The future raises `Invalid` for a picture without a usable face, and what reading it raises. Raises
        `NotReady` if too much waits.
        """

        def find(picture: Picture) -> Seen:
            crop, faces = largest_face(picture)
            return Seen(describe(crop), faces)

        return self._begin(find, image, loc)

    def only(self, image: str, loc: Loc) -> Future[Seen]:
        """Find the face that a person is to be known by; another face in the picture is refused, too."""
        return self._begin(lambda picture: Seen(only_face(picture), 1), image, loc)

    def _begin(self, find: Callable[[Picture], Seen], image: str, loc: Loc) -> Future[Seen]:
        return self._pool.submit(partial(self._work, find, image, loc))

    def _work(self, find: Callable[[Picture], Seen], image: str, loc: Loc) -> Seen:
        try:
            return find(read_picture(self._read(image)))
        except PictureRefusedError as refused:
            raise _refused(f"The picture {image!r} cannot be used: {refused}", str(refused), loc) from refused
        except Invalid as refused:  # it is no picture's name, or too large
            raise _refused(refused.detail, refused.detail, loc) from refused


def _refused(detail: str, message: str, loc: Loc) -> Invalid:
    return Invalid(detail, errors=[{"loc": list(loc), "message": message}])

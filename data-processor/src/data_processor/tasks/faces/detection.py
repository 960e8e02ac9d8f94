"""Where the faces in a picture are: OpenCV's cascade of Haar features (Viola & Jones 2001).

It wants some room around a face, which tight portraits do not have: their border is repeated outwards first.
"""

import threading
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from data_processor.tasks.faces.pictures import Picture

if TYPE_CHECKING:
    import cv2

CASCADE = "haarcascade_frontalface_default.xml"
SIDE = 320
"""Pixels of the longer side of what is searched; a larger picture is made smaller, and the boxes larger. One
of 640 by 480 takes half of the time that it would in full size, where noise makes the search much longer."""
SMALLEST = 24
"""Pixels of the smallest face that is found there: what the cascade was trained for."""
USUAL = 0.2
"""Of the longer side: whoever stands before a camera has a face at least so wide."""
ROOM = 0.25
"""Of each side, added around the picture."""
STEP, NEIGHBOURS = 1.1, 4
"""How much larger each search is than the one before, and how many must agree: OpenCV's usual values."""
COMPARABLE = 0.5
"""A face of less than this share of the largest one's width stands in the background, or is none."""

Found = tuple[int, int, int, int]
_local = threading.local()


class Box(NamedTuple):
    """A face's square in a picture, in pixels; it may reach over the picture's edge."""

    x: int
    y: int
    width: int
    height: int

    def holds(self, other: "Box") -> bool:
        """Say whether the middle of another box is in it: then both are of the same face."""
        x, y = other.x + other.width / 2, other.y + other.height / 2
        return self.x <= x < self.x + self.width and self.y <= y < self.y + self.height


def find_faces(picture: Picture) -> list[Box]:
    """Return the faces in a picture, the largest first; those much smaller than it are left out."""
    import cv2  # noqa: PLC0415  # 0.2 s and 40 MB that a process needs only once it looks at pictures

    grey = np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), np.uint8)
    height, width = grey.shape
    scale = min(1.0, SIDE / max(height, width))
    if scale < 1:
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        grey = np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.uint8)
    boxes: list[Box] = []
    for found in sorted(_large_enough(grey), key=lambda one: (-one[2], one)):
        box = Box(*(round(value / scale) for value in found))
        large_enough = not boxes or box.width >= COMPARABLE * boxes[0].width
        if large_enough and not any(larger.holds(box) for larger in boxes):
            boxes.append(box)
    return boxes


def _large_enough(grey: NDArray[np.uint8]) -> list[Found]:
    """Return the faces of at least half the size of the largest one.

    Small faces take most of the time: they are looked for only if there is no larger one, or if the largest
    one leaves room for them.
    """
    first = max(SMALLEST, round(USUAL * max(grey.shape)))
    found = _search(grey, first)
    least = max(SMALLEST, round(COMPARABLE * max((one[2] for one in found), default=0)))
    return _search(grey, least) if least < first else found


def _search(grey: NDArray[np.uint8], smallest: int) -> list[Found]:
    import cv2  # noqa: PLC0415  # see find_faces

    room_y, room_x = (round(ROOM * side) for side in grey.shape)
    padded = cv2.copyMakeBorder(grey, room_y, room_y, room_x, room_x, cv2.BORDER_REPLICATE)
    found = _cascade().detectMultiScale(padded, STEP, NEIGHBOURS, minSize=(smallest, smallest))
    return [(int(x) - room_x, int(y) - room_y, int(w), int(h)) for x, y, w, h in found]


def _cascade() -> "cv2.CascadeClassifier":
    """Return the detector of this thread: two threads must not use one at the same time."""
    import cv2  # noqa: PLC0415  # see find_faces

    if not hasattr(_local, "cascade"):
        _local.cascade = cv2.CascadeClassifier(_path())
    cascade: cv2.CascadeClassifier = _local.cascade
    return cascade


@cache
def _path() -> str:
    import cv2  # noqa: PLC0415  # see find_faces

    cv2.setNumThreads(1)  # pictures are worked on side by side, each by one thread
    path = Path(cv2.__file__).parent / "data" / CASCADE
    if not path.is_file():
        raise FileNotFoundError(f"OpenCV was installed without {CASCADE}.")
    return str(path)

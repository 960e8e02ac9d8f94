"""What is done to pictures that are to be kept as they are otherwise: cropped, or turned to black and white.

All boxes are in pixels of the whole picture, upright. Reading a picture to find faces makes a large one
smaller (`pictures.py`); here it keeps its size, and those that take much memory take turns.
"""

import io
import threading
from contextlib import AbstractContextManager, nullcontext

from PIL import Image, ImageOps

from data_processor.tasks.faces.detection import Box, find_faces
from data_processor.tasks.faces.pictures import opened, read_picture

LARGE = 8_000_000
"""Pixels from which on one picture is decoded at a time."""
QUALITY = 95

_ORIENTATION, _ON_ITS_SIDE = 0x0112, 5
_turn = threading.Lock()


def largest_face_box(content: bytes) -> tuple[Box | None, int]:
    """Return the box of the largest face, as far as it is within the picture, and how many faces there are.

    Raises `PictureRefusedError`.
    """
    picture = read_picture(content)
    faces = find_faces(picture)
    if not faces:
        return None, 0
    width, height = _size(content)
    scale = width / picture.shape[1]
    scaled = Box(*(round(value * scale) for value in faces[0]))
    return _within(scaled, width, height), len(faces)


def cropped(content: bytes, box: Box) -> bytes | None:
    """Return the part of a picture that is in a box, as a JPEG; None if the box lies beside the picture.

    Raises `PictureRefusedError`.
    """
    with opened(content) as image, _turn_for(image):
        ImageOps.exif_transpose(image, in_place=True)
        part = _within(box, *image.size)
        if part is None:
            return None
        return _as_jpeg(image.crop((part.x, part.y, part.x + part.width, part.y + part.height)))


def black_and_white(content: bytes) -> bytes:
    """Return a picture without its colours, as a JPEG; raises `PictureRefusedError`."""
    with opened(content) as image, _turn_for(image):
        image.draft("L", image.size)  # the colours of a JPEG are not even decoded
        ImageOps.exif_transpose(image, in_place=True)
        return _as_jpeg(image.convert("L"))


def _turn_for(image: Image.Image) -> AbstractContextManager[object]:
    return _turn if image.width * image.height > LARGE else nullcontext()


def _size(content: bytes) -> tuple[int, int]:
    """Return width and height of a picture once it is upright."""
    with opened(content) as image:
        width, height = image.size
        on_its_side = image.getexif().get(_ORIENTATION, 1) >= _ON_ITS_SIDE
        return (height, width) if on_its_side else (width, height)


def _within(box: Box, width: int, height: int) -> Box | None:
    left, top = max(0, box.x), max(0, box.y)
    right, bottom = min(width, box.x + box.width), min(height, box.y + box.height)
    if left >= right or top >= bottom:
        return None
    return Box(left, top, right - left, bottom - top)


def _as_jpeg(image: Image.Image) -> bytes:
    written = io.BytesIO()
    plain = image if image.mode in ("L", "RGB") else image.convert("RGB")
    plain.save(written, "JPEG", quality=QUALITY)
    return written.getvalue()

"""Pictures as they are sent: decoded within bounds, upright, in colour."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

Picture = NDArray[np.uint8]
"""Shape (height, width, 3): red, green, blue."""
Reason = Literal[
    "not-an-image",
    "too-large",
    "too-many-pixels",
    "no-face",
    "several-faces",
    "too-small",
    "too-dark",
    "blurred",
]
FORMATS = ("JPEG", "PNG", "WEBP", "PPM")
MAX_BYTES = 10 * 1024 * 1024
MAX_PIXELS = 50_000_000
"""Of a picture as its header says; 50 megapixels take 150 MB when they are decoded."""
LONGEST_SIDE = 1600
"""Larger pictures are made smaller: a face to recognise has more than enough pixels in them."""
WIDE = 256
"""How many steps of a 16-bit grey value are one of 8 bits."""


class PictureRefusedError(ValueError):
    """A picture cannot be used; the message says why, and what to do about it."""

    def __init__(self, reason: Reason, message: str) -> None:
        """Keep the reason, one of a closed set, for whoever counts or translates it."""
        super().__init__(message)
        self.reason = reason


def read_picture(content: bytes) -> Picture:
    """Return a picture, turned upright as its EXIF data says, with at most `LONGEST_SIDE` pixels a side.

    Raises `PictureRefusedError`: `not-an-image`, `too-large`, `too-many-pixels`.
    """
    with opened(content) as image:
        image.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))  # a JPEG is decoded to a fraction of its size
        upright = _in_colour(ImageOps.exif_transpose(image))
        upright.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.BILINEAR)
        return np.asarray(upright)


@contextmanager
def opened(content: bytes) -> Iterator[Image.Image]:
    """Yield a picture of which only the header was read; raises as `read_picture`, also for what follows."""
    if len(content) > MAX_BYTES:
        raise PictureRefusedError(
            "too-large", f"the picture has {len(content)} bytes; send one of at most {MAX_BYTES}"
        )
    with _telling(), Image.open(io.BytesIO(content), formats=FORMATS) as image:
        width, height = image.size
        if width * height > MAX_PIXELS:
            raise PictureRefusedError(
                "too-many-pixels",
                f"the picture has {width} by {height} pixels; {MAX_PIXELS // 10**6} million are the most",
            )
        yield image


def encode(picture: Picture, format: Literal["JPEG", "PNG"] = "JPEG", quality: int = 95) -> bytes:  # noqa: A002
    """Return a picture, or one of grey values (height, width), as a file."""
    written = io.BytesIO()
    Image.fromarray(picture).save(written, format, quality=quality)
    return written.getvalue()


def _in_colour(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):  # 16 bits, which Pillow would cut off at 255
        image = Image.fromarray((np.asarray(image) // WIDE).clip(0, 255).astype(np.uint8))
    return image.convert("RGB")


@contextmanager
def _telling() -> Iterator[None]:
    """Turn whatever a damaged file makes Pillow raise into a refusal."""
    try:
        yield
    except PictureRefusedError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise PictureRefusedError(
            "too-many-pixels", f"the picture has more than {MAX_PIXELS // 10**6} million pixels"
        ) from error
    except UnidentifiedImageError as error:
        raise PictureRefusedError(
            "not-an-image", "the file is no picture that can be read: send a JPEG, PNG or WebP"
        ) from error
    except Exception as error:  # damaged files make its decoders raise all sorts of errors
        raise PictureRefusedError(
            "not-an-image", "the picture is damaged and cannot be read: take or save it again"
        ) from error

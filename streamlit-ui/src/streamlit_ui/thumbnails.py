"""Pictures made small enough for a page, and upright: a page would show a camera's as they were taken."""

import io

from PIL import Image, ImageOps

SIDE_PX = 480
_QUALITY = 85


def thumbnail(content: bytes) -> bytes | None:
    """Return a picture as a small, upright JPEG; none if it cannot be read."""
    try:
        with Image.open(io.BytesIO(content)) as picture:
            picture.draft("RGB", (SIDE_PX, SIDE_PX))  # a JPEG is read no larger than it is needed
            upright = ImageOps.exif_transpose(picture)
            upright.thumbnail((SIDE_PX, SIDE_PX))
            made = io.BytesIO()
            upright.convert("RGB").save(made, "JPEG", quality=_QUALITY)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):  # what Pillow raises for files
        return None
    return made.getvalue()

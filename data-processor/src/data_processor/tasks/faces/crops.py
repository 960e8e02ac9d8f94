"""Face crops: the same square around every face, which all extractors start from.

A crop is kept where a person is enrolled, so that a new version can describe the face anew.
"""

import numpy as np
from numpy.typing import NDArray

from data_processor.tasks.faces.detection import Box, find_faces
from data_processor.tasks.faces.pictures import Picture, PictureRefusedError, encode, read_picture

FaceCrop = NDArray[np.uint8]
"""Shape (`SIDE`, `SIDE`, 3): red, green, blue; the box of the face is the centred square of `FACE` pixels."""
SIDE, FACE = 240, 150
REACH = SIDE / FACE
"""How much wider than its box the crop of a face is."""
FEWEST_PIXELS = 40
"""Of a face's width: half of what is described of it."""
DARKEST = 30.0
"""Mean grey value, of 255: below a quarter of what is usual for a face."""
FLATTEST = 8.0
"""Standard deviation of the grey values, of 255: below, there is no face to be seen in what was found."""
BLUREST = 20.0
"""Variance of the Laplacian of the face at `SHARPNESS_SIDE` pixels (Pech-Pacheco et al. 2000): sharp
portraits have 90 and more, and those that were made unsharp over 2 % of their width about this."""
SHARPNESS_SIDE = 80


def largest_face(picture: Picture) -> tuple[FaceCrop, int]:
    """Return the crop of the largest face, and how many faces there are.

    Raises `PictureRefusedError`: `no-face`, `too-small`, `too-dark`, `blurred`.
    """
    boxes = find_faces(picture)
    if not boxes:
        raise _nothing_found(picture)
    box = boxes[0]
    if box.width < FEWEST_PIXELS:
        raise PictureRefusedError(
            "too-small", f"the face is {box.width} pixels wide; come closer, {FEWEST_PIXELS} are needed"
        )
    crop = cut(picture, box)
    _check(crop)
    return crop, len(boxes)


def only_face(picture: Picture) -> FaceCrop:
    """Return the crop of the only face in a picture; raises as `largest_face`, and `several-faces`."""
    crop, faces = largest_face(picture)
    if faces > 1:
        raise PictureRefusedError(
            "several-faces", f"there are {faces} faces in the picture: send one with the person alone"
        )
    return crop


def cut(picture: Picture, box: Box) -> FaceCrop:
    """Return the crop around a box; where it leaves the picture, the picture's border is repeated."""
    import cv2  # noqa: PLC0415  # see detection.py

    side = max(1, round(box.width * REACH))
    x = round(box.x + box.width / 2 - side / 2)
    y = round(box.y + box.height / 2 - side / 2)
    height, width = picture.shape[:2]
    rows = np.clip(np.arange(y, y + side), 0, height - 1)
    columns = np.clip(np.arange(x, x + side), 0, width - 1)
    square = picture[np.ix_(rows, columns)]
    smaller = side > SIDE
    return cv2.resize(
        square, (SIDE, SIDE), interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
    ).astype(np.uint8)


def centre(crop: FaceCrop, reach: float) -> NDArray[np.uint8]:
    """Return the middle of a crop, `reach` times as wide as the face's box."""
    side = round(FACE * reach)
    start = (SIDE - side) // 2
    return crop[start : start + side, start : start + side]


def encode_crop(crop: FaceCrop) -> bytes:
    """Return a crop as a JPEG."""
    return encode(crop)


def decode_crop(content: bytes) -> FaceCrop:
    """Return the crop that a JPEG holds; raises `PictureRefusedError` for anything else."""
    crop = read_picture(content)
    if crop.shape != (SIDE, SIDE, 3):
        raise PictureRefusedError("not-an-image", f"a face crop is {SIDE} by {SIDE} pixels")
    return crop


def _nothing_found(picture: Picture) -> PictureRefusedError:
    if picture.mean() < DARKEST:
        return PictureRefusedError(
            "too-dark", "no face was found, as the picture is dark: more light is needed"
        )
    return PictureRefusedError(
        "no-face", "no face was found: it must be seen from the front, upright, unhidden and not far away"
    )


def _check(crop: FaceCrop) -> None:
    """Raise `PictureRefusedError` for a face that nobody could recognise."""
    import cv2  # noqa: PLC0415  # see detection.py

    face = cv2.cvtColor(centre(crop, 1.0), cv2.COLOR_RGB2GRAY)
    if face.mean() < DARKEST or face.std() < FLATTEST:
        raise PictureRefusedError(
            "too-dark", "the face is too dark, or has no contrast: more light is needed"
        )
    small = cv2.resize(face, (SHARPNESS_SIDE, SHARPNESS_SIDE), interpolation=cv2.INTER_AREA)
    if cv2.Laplacian(small, cv2.CV_64F).var() < BLUREST:
        raise PictureRefusedError("blurred", "the face is blurred: hold still, and focus on it")

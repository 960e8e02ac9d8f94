"""Faces drawn by a program, since no real person's picture belongs in a project.

The detector finds them, and the built-in extractor tells their persons apart: geometry and skin are drawn
from the person's number; light, noise, place and tilt from the picture's. Signatures of one person's pictures
are about as far apart as those of real ones (4), and those of two persons about as far as real ones (6).
"""

import io

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIDE = 240
"""Pixels of a picture's side; the face is about 130 of them wide."""
MIDDLE = SIDE / 2
FINER = 4
"""Bits behind the point of the coordinates that OpenCV draws at, so that a small difference shows."""

Canvas = NDArray[np.float32]


def drawn_face(person: int, picture: int = 0) -> bytes:
    """Return a picture of a person, as a JPEG: the same bytes for the same numbers."""
    return as_jpeg(drawn(person, picture))


def drawn(person: int, picture: int = 0) -> NDArray[np.uint8]:
    """Return a picture of a person: shape (`SIDE`, `SIDE`, 3)."""
    face = _person(np.random.default_rng([1, person]))
    return _taken(face, np.random.default_rng([2, person, picture]))


def drawn_scene(*persons: int, picture: int = 0) -> bytes:
    """Return a JPEG with several persons side by side; without one, of an empty wall."""
    if not persons:
        return as_jpeg(np.full((SIDE, SIDE, 3), 180, np.uint8))
    return as_jpeg(np.concatenate([drawn(person, picture) for person in persons], axis=1))


def as_jpeg(picture: NDArray[np.uint8], *, exif: Image.Exif | None = None) -> bytes:
    """Return a picture as a JPEG."""
    written = io.BytesIO()
    Image.fromarray(picture).save(written, "JPEG", quality=92, exif=exif or Image.Exif())
    return written.getvalue()


def _person(rng: np.random.Generator) -> Canvas:
    """Draw what stays the same of a person: grey values of 255."""
    canvas = np.full((SIDE, SIDE), 185, np.float32)
    width, height = rng.uniform(58, 68), rng.uniform(78, 90)
    skin = rng.uniform(165, 200)
    _oval(canvas, (0, -14, width + 10, height + 4), rng.uniform(40, 90))  # hair
    _oval(canvas, (0, 8, width, height), skin)
    canvas += _texture(rng, 3.0, 10)  # of skin, hair and wall: without it all walls would be alike
    eyes, level = rng.uniform(25, 32), rng.uniform(-18, -10)
    for side in (-1, 1):
        _oval(canvas, (side * eyes, level, 17, rng.uniform(8, 11)), skin - 55)  # the hollow of the eye
        _oval(canvas, (side * eyes, level, rng.uniform(10, 13), rng.uniform(4, 6)), 225)
        _oval(canvas, (side * eyes, level, rng.uniform(4, 6), rng.uniform(4, 6)), 35)
        brow = level - rng.uniform(11, 16)
        slope = rng.uniform(-4, 4)
        inner, outer = (side * (eyes - 14), brow + slope), (side * (eyes + 15), brow - slope)
        _line(canvas, inner, outer, rng.uniform(4, 7), 60)
    nose = rng.uniform(16, 26)
    for side in (-1, 1):
        _line(canvas, (side * 5, level + 8), (side * rng.uniform(8, 12), nose), 3, skin - 30)
        _oval(canvas, (side * rng.uniform(5, 8), nose + 2, 4, 3), skin - 80)
    mouth = nose + rng.uniform(18, 26)
    _oval(canvas, (0, mouth, rng.uniform(20, 30), rng.uniform(5, 9)), 105)
    _line(canvas, (-20, mouth), (20, mouth + rng.uniform(-2, 2)), 2, 60)
    for _ in range(int(rng.integers(2, 8))):  # moles
        _oval(
            canvas,
            (rng.uniform(-45, 45), rng.uniform(-45, 45), rng.uniform(1.5, 3.5), rng.uniform(1.5, 3.5)),
            skin - 70,
        )
    blurred: Canvas = cv2.GaussianBlur(canvas, (0, 0), 1.0).astype(np.float32)
    return blurred


def _taken(face: Canvas, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Take a picture of a drawn person: from a little elsewhere, in some light, with the camera's noise."""
    turn = np.asarray(
        cv2.getRotationMatrix2D((MIDDLE, MIDDLE), rng.uniform(-5, 5), rng.uniform(0.93, 1.07)), np.float64
    )
    turn[:, 2] += rng.uniform(-10, 10, 2)
    moved: Canvas = cv2.warpAffine(face, turn, (SIDE, SIDE), borderMode=cv2.BORDER_REPLICATE).astype(
        np.float32
    )
    slope = np.linspace(-1, 1, SIDE, dtype=np.float32) * rng.uniform(-0.15, 0.15)
    lit = moved * rng.uniform(0.8, 1.1) * (1 + slope) + rng.normal(0, 3, face.shape)
    colours = np.stack([lit, lit * 0.88, lit * 0.78], axis=2)
    return np.clip(colours, 0, 255).astype(np.uint8)


def _texture(rng: np.random.Generator, size: float, strength: float) -> Canvas:
    """Return smooth noise: spots of some pixels, with a standard deviation in grey values."""
    noise = cv2.GaussianBlur(rng.normal(size=(SIDE, SIDE)).astype(np.float32), (0, 0), size)
    texture: Canvas = (noise / noise.std() * strength).astype(np.float32)
    return texture


def _oval(canvas: Canvas, where: tuple[float, float, float, float], grey: float) -> None:
    x, y, width, height = where
    middle, axes = _fine(x + MIDDLE, y + MIDDLE), _fine(width, height)
    cv2.ellipse(canvas, middle, axes, 0, 0, 360, (grey,), -1, cv2.LINE_AA, FINER)


def _line(
    canvas: Canvas, start: tuple[float, float], end: tuple[float, float], width: float, grey: float
) -> None:
    first, last = (_fine(x + MIDDLE, y + MIDDLE) for x, y in (start, end))
    cv2.line(canvas, first, last, (grey,), round(width), cv2.LINE_AA, FINER)


def _fine(x: float, y: float) -> tuple[int, int]:
    return round(x * 2**FINER), round(y * 2**FINER)

"""The built-in extractor: local binary patterns, counted in the cells of a grid.

Of each pixel it is noted which of its eight neighbours, on a circle of radius 2, are at least as bright. Of
the 256 patterns the 58 with at most two changes around the circle count singly, the others together (Ojala,
Pietikäinen & Mäenpää 2002); their shares in each cell of a grid describe a face (Ahonen, Hadid & Pietikäinen
2006). The square root of each share makes the distance between faces that of Hellinger. Light that changes
over the whole face changes hardly anything.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from data_processor.tasks.faces.crops import FaceCrop, centre

REACH = 1.1
"""How much wider than the box the square is that is described: cheeks, chin and hairline help."""
SIDE = 80
NEIGHBOURS, RADIUS = 8, 2
CELLS = 8
"""In each direction."""
ROUNDING = 1e-6
"""Of grey values between pixels: where all are equal, none is darker."""
PATTERNS = NEIGHBOURS * (NEIGHBOURS - 1) + 3
LENGTH = CELLS * CELLS * PATTERNS

Grey = NDArray[np.uint8]


def signature(crop: FaceCrop) -> NDArray[np.float32]:
    """Return the signature of a face: shape (`LENGTH`,), the square roots of shares, of length `CELLS`."""
    import cv2  # noqa: PLC0415  # see detection.py

    grey = cv2.cvtColor(centre(crop, REACH), cv2.COLOR_RGB2GRAY)
    face = cv2.resize(grey, (SIDE, SIDE), interpolation=cv2.INTER_AREA).astype(np.uint8)
    return histograms(patterns(face))


def patterns(grey: Grey) -> NDArray[np.uint8]:
    """Return the number of each pixel's pattern, below `PATTERNS`; shape as `grey`.

    Between pixels the neighbours are interpolated; beyond the edge everything is black.
    """
    height, width = grey.shape
    padded = np.pad(grey.astype(np.float64), RADIUS + 1)
    code = np.zeros((height, width), np.uint8)
    for bit in range(NEIGHBOURS):
        angle = 2 * np.pi * bit / NEIGHBOURS
        y, x = round(-RADIUS * np.sin(angle), 5), round(RADIUS * np.cos(angle), 5)
        top, left = int(np.floor(y)), int(np.floor(x))
        down, right = y - top, x - left
        start_y, start_x = top + RADIUS + 1, left + RADIUS + 1

        def moved(dy: int, dx: int, at_y: int = start_y, at_x: int = start_x) -> NDArray[np.float64]:
            return padded[at_y + dy : at_y + dy + height, at_x + dx : at_x + dx + width]

        upper = (1 - right) * moved(0, 0) + (right * moved(0, 1) if right else 0)
        lower = (1 - right) * moved(1, 0) + (right * moved(1, 1) if right else 0) if down else 0
        value = (1 - down) * upper + down * lower
        code |= (value >= grey - ROUNDING).astype(np.uint8) << bit
    return _numbers()[code]


def histograms(numbers: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the square roots of the patterns' shares in each cell, one cell after the other."""
    height, width = numbers.shape
    rows = np.arange(height) * CELLS // height
    columns = np.arange(width) * CELLS // width
    cell = rows[:, None] * CELLS + columns
    counts = np.bincount((cell * PATTERNS + numbers).ravel(), minlength=LENGTH).reshape(-1, PATTERNS)
    shares = np.sqrt(counts / counts.sum(axis=1, keepdims=True))
    return np.asarray(shares.ravel(), np.float32)


@cache
def _numbers() -> NDArray[np.uint8]:
    """Return the number of each of the 256 patterns: those that change at most twice have their own."""
    numbers = np.full(256, PATTERNS - 1, np.uint8)
    known = 0
    for code in range(256):
        turned = (code >> 1) | ((code & 1) << (NEIGHBOURS - 1))
        if (code ^ turned).bit_count() <= 2:  # noqa: PLR2004  # the definition of a uniform pattern
            numbers[code] = known
            known += 1
    return numbers

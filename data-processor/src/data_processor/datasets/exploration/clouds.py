"""Word clouds as data: which word stands where, and how large; whoever shows one draws letters, no picture.

Words go as near to the middle as there is room, the most frequent first, on a ground divided into cells. They
are measured as monospaced letters, so that no font is needed here; a browser is told how wide each word is.
(The library `wordcloud` 1.9 reserves less height than it draws: its words overlap.)
"""

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from data_processor.datasets.exploration.schemas import CloudWord

WIDTH, HEIGHT = 640, 320
WORDS = 60
_CELL = 4
_SMALLEST, _LARGEST = 10.0, 64.0
_ADVANCE, _ASCENT, _LINE = 0.6, 0.78, 1.0
"""A letter's width, what of it is above its baseline, and all of it, by the height of its font."""


def cloud(words: Mapping[str, int]) -> list[CloudWord]:
    """Place the most frequent words, by their counts in area; those that find no room are left out."""
    ranked = sorted(words.items(), key=lambda pair: (-pair[1], pair[0]))[:WORDS]
    taken = np.zeros((HEIGHT // _CELL, WIDTH // _CELL), np.bool_)
    placed = []
    for word, count in ranked:
        size = max(_SMALLEST, _LARGEST * math.sqrt(count / ranked[0][1]))
        while size >= _SMALLEST:
            rows, columns = (
                math.ceil(_LINE * size / _CELL),
                math.ceil(_ADVANCE * size * len(word) / _CELL) + 1,
            )
            if (found := _room(taken, rows, columns)) is not None:
                top, left = found
                taken[top : top + rows, left : left + columns] = True
                placed.append(
                    CloudWord(
                        word=word,
                        count=count,
                        x=left * _CELL + _CELL / 2,
                        y=round(top * _CELL + _ASCENT * size, 1),
                        width=round(_ADVANCE * size * len(word), 1),
                        size=round(size, 1),
                    )
                )
                break
            size *= 0.9
    return placed


def _room(taken: NDArray[np.bool_], rows: int, columns: int) -> tuple[int, int] | None:
    """Return where so many free rows and columns are nearest to the middle: the top and the left cell."""
    if rows > taken.shape[0] or columns > taken.shape[1]:
        return None
    sums = np.pad(taken.cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))
    inside = sums[rows:, columns:] - sums[:-rows, columns:] - sums[rows:, :-columns] + sums[:-rows, :-columns]
    tops, lefts = np.nonzero(inside == 0)
    if not len(tops):
        return None
    down, right = tops + rows / 2 - taken.shape[0] / 2, lefts + columns / 2 - taken.shape[1] / 2
    nearest = int(np.argmin((2 * down) ** 2 + right**2))  # the ground is twice as wide as high
    return int(tops[nearest]), int(lefts[nearest])

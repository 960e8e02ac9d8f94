"""How probable it is that an answer is right, by how sure the model is of it; and a score without any label.

On reference rows, which no version is fitted to, the probability of the answered class is compared with
whether the answer was right, by isotonic regression (Zadrozny & Elkan 2002): it makes blocks of confidences,
and in each the share of right answers. The expected accuracy of recent answers is the mean of the shares of
their blocks. That holds while a confidence means what it meant: changed inputs move answers between blocks,
but a changed relation of inputs and target changes the shares, which cannot be seen without labels.
"""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from data_processor.statistics.clusters import effective_number
from data_processor.statistics.score import Z_SHOWN

LEAST_ROWS = 100
"""Reference rows without which nothing is calibrated."""
LEAST_OF_BLOCK = 50
"""Reference rows of a block: isotonic regression ends in blocks of a few, whose shares are too extreme."""
LEAST_ANSWERS = 50
"""Recent answers without which nothing is estimated."""

Floats = NDArray[np.float64]


class Calibration(BaseModel):
    """The blocks of confidences of one version, in ascending order."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    up_to: tuple[float, ...]
    """The largest confidence of each block."""
    right: tuple[int, ...]
    """Reference rows of each block that were answered right."""
    rows: tuple[int, ...]
    """Reference rows of each block."""
    worth: float = 1.0
    """How many independent rows each is worth, where rows belong together (`clusters.py`)."""


class Estimated(NamedTuple):
    """An expected accuracy."""

    value: float
    low: float
    high: float
    """Its 95 % interval."""
    n: int
    """Answers that it is taken over."""


def calibrate(
    confidence: Floats, right: NDArray[np.bool_], groups: Sequence[Any] | None = None
) -> Calibration | None:
    """Fit the blocks on reference rows; none on fewer than 100."""
    if len(right) < LEAST_ROWS:
        return None
    from scipy.optimize import isotonic_regression  # noqa: PLC0415  # half a second that serving never needs

    levels, places = np.unique(confidence, return_inverse=True)
    rows = np.bincount(places)
    hits = np.bincount(places, right)
    starts = _joined(isotonic_regression(hits / rows, weights=rows).blocks, rows)
    ends = np.append(starts[1:], len(rows)) - 1
    worth = 1.0 if groups is None else effective_number(right.tolist(), groups) / len(right)
    return Calibration(
        up_to=tuple(levels[ends].tolist()),
        right=tuple(np.add.reduceat(hits, starts).astype(int).tolist()),
        rows=tuple(np.add.reduceat(rows, starts).tolist()),
        worth=worth,
    )


def _joined(blocks: NDArray[np.int_], rows: NDArray[np.int_]) -> NDArray[np.int_]:
    """Return where blocks begin, with those of too few rows joined to the next, the last to its former.

    `blocks` are the levels at which blocks begin, in ascending order, and the number of levels.
    """
    starts, held = [0], 0
    for start, count in zip(blocks[:-1], np.add.reduceat(rows, blocks[:-1]), strict=True):
        if held >= LEAST_OF_BLOCK:
            starts.append(int(start))
            held = 0
        held += count
    if held < LEAST_OF_BLOCK and len(starts) > 1:
        starts.pop()
    return np.array(starts)


def estimate(calibration: Calibration, confidence: Sequence[float]) -> Estimated | None:
    """Return the expected accuracy of answers with these confidences; none of fewer than 50.

    The variance is that of a stratified mean (Cochran 1977, *Sampling Techniques*, 5A): of each block's
    share, which few reference rows make unsure, and of the blocks that the answers happen to be in.
    """
    n = len(confidence)
    if n < LEAST_ANSWERS:
        return None
    places = np.searchsorted(calibration.up_to, confidence, side="left")
    right, rows = np.array(calibration.right), np.array(calibration.rows)
    weights = np.bincount(np.minimum(places, len(rows) - 1), minlength=len(rows)) / n
    shares = right / rows
    value = float(weights @ shares)
    # Laplace's share: a block whose rows were all right is not certain to be right.
    careful = (right + 1) / (rows + 2)
    of_blocks = float((weights**2 * careful * (1 - careful) / (rows * calibration.worth)).sum())
    of_answers = float(weights @ (shares - value) ** 2) / n
    half = Z_SHOWN * math.sqrt(of_blocks + of_answers)
    return Estimated(value, max(0.0, value - half), min(1.0, value + half), n)

"""Which of a version's two forms answers faster: both are right, so measuring decides.

A compiled model answers one row at once, but takes longer than scikit-learn for many texts; by how much
depends on the terms and on the machine. One text and a chunk of texts count alike.
"""

import time
from dataclasses import dataclass

import numpy as np

from data_processor.features.packing import Packed
from data_processor.tasks.task import Engine

SIZES = (1, 256)
"""Rows asked at a time: what one person asks, and what a bulk request is answered in."""
ROUNDS = 7
LONGEST_S = 1.0
"""What measuring one form at one size may take, its first time aside."""


@dataclass(frozen=True, slots=True)
class Times:
    """Milliseconds that both forms take, one entry for each of `SIZES`."""

    compiled: tuple[float, ...]
    trained: tuple[float, ...]

    @property
    def trained_wins(self) -> bool:
        """Say whether the trained form is the faster one, on the whole."""
        return float(np.prod(self.trained)) < float(np.prod(self.compiled))

    def __str__(self) -> str:
        """Say what was measured, in a sentence."""
        (one, many), (one_trained, many_trained) = self.compiled, self.trained
        return (
            f"One row takes {one:.2f} ms compiled and {one_trained:.2f} ms as trained, "
            f"{SIZES[1]} rows {many:.0f} ms and {many_trained:.0f} ms."
        )


def compare_latency(compiled: Engine, trained: Engine, rows: Packed) -> Times:
    """Ask both forms the same rows and return the best times of each."""
    return Times(*(tuple(_best(engine, rows, size) for size in SIZES) for engine in (compiled, trained)))


def _best(engine: Engine, rows: Packed, size: int) -> float:
    took: list[float] = []
    for number in range(ROUNDS):
        which = (np.arange(size) + number) % len(rows.numeric)
        asked = Packed(rows.numeric[which], rows.strings[which])
        began = time.perf_counter()
        engine.predict(*asked)
        took.append(time.perf_counter() - began)
        if sum(took[1:]) > LONGEST_S:
            break
    return 1000 * min(took[1:] or took)

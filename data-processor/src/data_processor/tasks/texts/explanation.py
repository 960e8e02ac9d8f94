"""Which words moved an answer most: Shapley values, the words of a text coming back in random orders.

A word is taken away by leaving it out; the baseline is the answer to a blank text. The version is asked as it
is served, whatever its terms are. Where a text has more words than the time allows to ask about, neighbours
count as one.
"""

import math
import os
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Compiling what shap's own maskers need takes 9 s; ours needs none of it.
os.environ.setdefault("NUMBA_DISABLE_JIT", "1")

import shap

from data_processor.features.packing import Packed, pack_rows
from data_processor.features.schema import Schema
from data_processor.tasks.task import Engine, Explained

BUDGET_S = 0.12
"""What asking the version may take for one explanation; people are promised 0.2 s."""
MOST_ORDERS = 10
"""Random orders, each forwards and backwards."""
MOST_PARTS = 200
FEWEST_PARTS = 4
LARGEST_EXACT = 6
"""Words up to which every combination is asked."""
TRIAL = 8
"""Texts that a version is timed with."""
_WORD = re.compile(r"\S+")

Floats = NDArray[np.float64]
Ask = Callable[[list[str]], Floats]
"""From texts to the explained number of each."""


@dataclass(frozen=True)
class Part:
    """Some words of a text that follow each other, and how far they moved the answer."""

    text: str
    start: int
    """Where it begins, in characters."""
    end: int
    contribution: float


@dataclass(frozen=True)
class ExplainedText:
    """The answer to one text, taken apart."""

    method: str
    evaluations: int
    baseline: float
    value: float
    parts: tuple[Part, ...]


def explain_text(ask: Ask, text: str) -> ExplainedText:
    """Take the answer to a text apart; with the baseline the parts add up to it."""
    blank, value = ask(["", text]).tolist()
    spans = [found.span() for found in _WORD.finditer(text)]
    if not spans:
        return ExplainedText("A blank text: nothing to take apart", 2, blank, value, ())
    affordable = BUDGET_S / _seconds_per_text(ask, text)
    parts = _join(spans, int(min(MOST_PARTS, max(FEWEST_PARTS, (affordable - 1) // 2))))
    asked = 2

    def answer(kept: Floats) -> Floats:
        nonlocal asked
        asked += len(kept)
        return ask([_without(text, parts, row > 0) for row in kept])

    def mask(kept: NDArray[np.bool_], cells: Floats) -> tuple[Floats]:
        return (np.where(kept, cells, 0.0)[None, :],)

    given = np.ones((1, len(parts)))
    what = "words" if len(parts) == len(spans) else f"groups of the {len(spans)} words"
    if len(parts) <= LARGEST_EXACT:
        method = f"exact Shapley values of {len(parts)} {what}"
        found = shap.explainers.Exact(answer, mask)(given, max_evals=2 ** len(parts) + 1, silent=True)
    else:
        sweep = 2 * len(parts) + 1
        orders = int(min(MOST_ORDERS, max(1, affordable // sweep)))
        method = f"Shapley values of {len(parts)} {what} over {2 * orders} orders"
        found = shap.explainers.Permutation(answer, mask, seed=0)(
            given, max_evals=orders * sweep, batch_size=sweep, silent=True
        )
    moved = np.ravel(found.values).tolist()
    return ExplainedText(
        method=f"{method} (shap {shap.__version__})",
        evaluations=asked,
        baseline=blank,
        value=value,
        parts=tuple(
            Part(text[start:end], start, end, amount)
            for (start, end), amount in zip(parts, moved, strict=True)
        ),
    )


class TextExplainer:
    """Explains the answers of one version to texts."""

    def __init__(self, engine: Engine, schema: Schema, background: Packed) -> None:
        """Get ready; a text is compared with a blank one, so there is no use for a background."""
        del background
        self._engine, self._schema = engine, schema

    def explain(self, inputs: dict[str, Any], place: int) -> Explained:
        """Take the answer to one input apart; `place` is the output that is explained."""
        (column,) = self._schema.strings
        row = pack_rows([inputs], self._schema)

        def ask(texts: list[str]) -> Floats:
            numeric, strings = np.empty((len(texts), 0), np.float32), np.array(texts, object)[:, None]
            return self._engine.predict(numeric, strings)[:, place].astype(np.float64)

        found = explain_text(ask, row.strings[0, 0])
        return Explained(
            method=found.method,
            evaluations=found.evaluations,
            background_rows=0,
            baseline=found.baseline,
            value=found.value,
            contributions={column.name: found.value - found.baseline},
            words=as_json(found),
        )


def as_json(found: ExplainedText) -> list[dict[str, Any]]:
    """Return the parts as the explanation shows them, in the text's order."""
    return [vars(part) for part in found.parts]


def _seconds_per_text(ask: Ask, text: str) -> float:
    """Return how long a text of about half the words takes, which is what is asked on average."""
    half = text[: max(1, len(text) // 2)]
    took = math.inf
    for _ in range(2):
        began = time.perf_counter()
        ask([half] * TRIAL)
        took = min(took, time.perf_counter() - began)
    return took / TRIAL


def _join(spans: Sequence[tuple[int, int]], most: int) -> list[tuple[int, int]]:
    """Return the spans, neighbours joined so that there are at most so many."""
    if len(spans) <= most:
        return list(spans)
    groups = np.array_split(np.arange(len(spans)), most)
    return [(spans[group[0]][0], spans[group[-1]][1]) for group in groups]


def _without(text: str, parts: Sequence[tuple[int, int]], kept: NDArray[np.bool_]) -> str:
    return " ".join(text[start:end] for (start, end), stays in zip(parts, kept, strict=True) if stays)

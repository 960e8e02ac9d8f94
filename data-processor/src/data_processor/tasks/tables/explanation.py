"""Which inputs moved one answer most: Shapley values over the version as it is served.

Sources: Shapley 1953; Lundberg & Lee 2017, *A unified approach to interpreting model predictions*, whose
`shap` does it. An input is taken away by giving it the values it has in the version's background, one row of
it after the other; how far the mean answer moves when it comes back is what it contributed. With few inputs
every combination of inputs is asked; with many, inputs come back in random orders, forwards and backwards,
which still makes baseline and contributions add up to the answer.

`shap` works on numbers, so each cell is handed to it as the number of the row it comes from: texts, missing
values and whatever else a column holds need no encoding, and a timestamp's features come and go together.
"""

import math
import os
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Compiling what shap's own maskers need takes 9 s; ours needs none of it.
os.environ.setdefault("NUMBA_DISABLE_JIT", "1")

import shap

from data_processor.features.packing import Packed, owners, pack_rows
from data_processor.features.schema import Schema
from data_processor.tasks.task import Engine, Explained

BUDGET_S = 0.15
"""What asking the version may take for one explanation; people are promised 0.2 s."""
EFFORTS = ((10, 50), (5, 25), (2, 20), (1, 10), (1, 5))
"""Random orders, each forwards and backwards, and background rows; the first that is affordable. Far apart,
so that a version is explained alike whenever it is loaded."""
LARGEST_EXACT = 8
"""Inputs up to which all 2^n combinations are asked."""
TRIAL_ROWS = 500
"""Rows that a version is timed with, at its best of a few times."""
TRIALS = 4

Floats = NDArray[np.float64]


class TabularExplainer:
    """Explains the answers of one version, as thoroughly as its speed allows."""

    def __init__(self, engine: Engine, schema: Schema, background: Packed) -> None:
        """Fit the effort to how fast a version answers: fewer orders, then a smaller background."""
        self._engine, self._schema = engine, schema
        trial = _repeat(background, TRIAL_ROWS)
        took = []
        for _ in range(TRIALS):
            began = time.perf_counter()
            engine.predict(*trial)
            took.append(time.perf_counter() - began)
        affordable = BUDGET_S / (min(took) / TRIAL_ROWS) / (2 * len(schema.inputs) + 1)
        orders, rows = next((effort for effort in EFFORTS if math.prod(effort) <= affordable), EFFORTS[-1])
        self._orders = orders
        self._background = Packed(background.numeric[:rows], background.strings[:rows])

    def explain(self, inputs: dict[str, Any], place: int) -> Explained:
        """Take the answer to one input apart; `place` is the output that is explained."""
        table = self._schema
        row = pack_rows([inputs], table)
        rows = len(self._background.numeric)
        numeric = np.concatenate([self._background.numeric, row.numeric])
        strings = np.concatenate([self._background.strings, row.strings])
        names = [column.name for column in table.inputs]
        numbers, texts = ([names.index(owner) for owner in block] for block in owners(table))
        asked = 0

        def answer(cells: Floats) -> Floats:
            nonlocal asked
            asked += len(cells)
            source = cells.astype(np.intp)
            said = self._engine.predict(
                numeric[source[:, numbers], np.arange(len(numbers))],
                strings[source[:, texts], np.arange(len(texts))],
            )
            return said[:, place].astype(np.float64)

        absent = np.repeat(np.arange(rows, dtype=np.float64)[:, None], len(names), axis=1)
        given = np.full((1, len(names)), float(rows))

        def mask(kept: NDArray[np.bool_], cells: Floats) -> tuple[Floats]:
            return (np.where(kept, cells, absent),)

        if len(names) <= LARGEST_EXACT:
            method = "exact Shapley values"
            found = shap.explainers.Exact(answer, mask)(given, max_evals=2 ** len(names) + 1, silent=True)
        else:
            method = f"Shapley values over {2 * self._orders} orders of the inputs"
            sweep = 2 * len(names) + 1
            found = shap.explainers.Permutation(answer, mask, seed=0)(
                given, max_evals=self._orders * sweep, batch_size=sweep, silent=True
            )
        return Explained(
            method=f"{method} (shap {shap.__version__})",
            evaluations=asked,
            background_rows=rows,
            baseline=float(np.ravel(found.base_values)[0]),
            value=float(answer(given)[0]),
            contributions=dict(zip(names, np.ravel(found.values).tolist(), strict=True)),
        )


def _repeat(packed: Packed, rows: int) -> Packed:
    which = np.arange(rows) % len(packed.numeric)
    return Packed(packed.numeric[which], packed.strings[which])

"""Which inputs moved one answer most: Shapley values over the version as it is served.

Sources: Shapley 1953; Lundberg & Lee 2017, *A unified approach to interpreting model predictions*, whose
`shap` does it. An input is taken away by giving it the values it has in the version's background, one row of
it after the other; how far the mean answer moves when it comes back is what it contributed. With few inputs
every combination of inputs is asked; with many, inputs come back in random orders, forwards and backwards,
which still makes baseline and contributions add up to the answer.

`shap` works on numbers, so each cell is handed to it as the number of the row it comes from: texts, missing
values and whatever else a column holds need no encoding, and the features of a moment come and go together.
"""

import math
import os
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Compiling what shap's own maskers need takes 9 s; ours needs none of it.
os.environ.setdefault("NUMBA_DISABLE_JIT", "1")

import shap

from data_processor.features.packing import Packed, owners, pack_rows
from data_processor.models.access import registry_of
from data_processor.models.background import read_background
from data_processor.models.engine import Engine, load_engine
from data_processor.models.manifest import Manifest
from data_processor.runs.context import TaskContext
from data_processor.tasks.texts.explanation import as_json, explain_text

BUDGET_S = 0.15
"""What asking the version may take for one explanation; people are promised 0.2 s."""
EFFORTS = ((10, 50), (5, 25), (2, 20), (1, 10), (1, 5))
"""Random orders, each forwards and backwards, and background rows; the first that is affordable. Far apart,
so that a version is explained alike whenever it is loaded."""
LARGEST_EXACT = 8
"""Inputs up to which all 2^n combinations are asked."""
HELD = 4
"""Versions kept ready."""
TRIAL_ROWS = 500
"""Rows that a version is timed with, at its best of a few times."""
TRIALS = 4

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Ready:
    """A version that can be explained, and how thoroughly its speed allows it."""

    manifest: Manifest
    engine: Engine
    background: Packed
    orders: int


@dataclass(frozen=True)
class Explained:
    """One answer, taken apart."""

    method: str
    evaluations: int
    """How many rows the version was asked for it."""
    background_rows: int
    baseline: float
    value: float
    contributions: dict[str, float]
    """By input, in table order; with the baseline they add up to the value."""
    words: list[dict[str, Any]] | None = None
    """Of a model for texts: how far its words moved the answer (`texts/explanation.py: Part`)."""


def explain(
    context: TaskContext, model: str, version: str, inputs: dict[str, Any], label: str | None
) -> dict[str, Any]:
    """Explain a version's answer to one input: for a label its probability, else the value. A task."""
    ready = _hold(context, model, version)
    began = time.perf_counter()
    found = explain_row(ready, inputs, label)
    return {**vars(found), "milliseconds": round((time.perf_counter() - began) * 1000, 1)}


def make_ready(manifest: Manifest, engine: Engine, background: Packed) -> Ready:
    """Fit the effort to how fast a version answers: fewer orders, then a smaller background."""
    trial = _repeat(background, TRIAL_ROWS)
    took = []
    for _ in range(TRIALS):
        began = time.perf_counter()
        engine.predict(*trial)
        took.append(time.perf_counter() - began)
    affordable = BUDGET_S / (min(took) / TRIAL_ROWS) / (2 * len(manifest.table.inputs) + 1)
    orders, rows = next((effort for effort in EFFORTS if math.prod(effort) <= affordable), EFFORTS[-1])
    return Ready(manifest, engine, Packed(background.numeric[:rows], background.strings[:rows]), orders)


def explain_row(ready: Ready, inputs: dict[str, Any], label: str | None) -> Explained:
    """Take one answer apart."""
    table = ready.manifest.table
    place = table.classes.index(label) if label is not None else 0
    if table.task == "text-classification":
        return _explain_text(ready, inputs, place)
    row = pack_rows([inputs], table)
    rows = len(ready.background.numeric)
    numeric = np.concatenate([ready.background.numeric, row.numeric])
    strings = np.concatenate([ready.background.strings, row.strings])
    names = [column.name for column in table.inputs]
    numbers, texts = ([names.index(owner) for owner in block] for block in owners(table))
    asked = 0

    def answer(cells: Floats) -> Floats:
        nonlocal asked
        asked += len(cells)
        source = cells.astype(np.intp)
        said = ready.engine.predict(
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
        method = f"Shapley values over {2 * ready.orders} orders of the inputs"
        sweep = 2 * len(names) + 1
        found = shap.explainers.Permutation(answer, mask, seed=0)(
            given, max_evals=ready.orders * sweep, batch_size=sweep, silent=True
        )
    return Explained(
        method=f"{method} (shap {shap.__version__})",
        evaluations=asked,
        background_rows=rows,
        baseline=float(np.ravel(found.base_values)[0]),
        value=float(answer(given)[0]),
        contributions=dict(zip(names, np.ravel(found.values).tolist(), strict=True)),
    )


def _explain_text(ready: Ready, inputs: dict[str, Any], place: int) -> Explained:
    (column,) = ready.manifest.table.strings
    row = pack_rows([inputs], ready.manifest.table)

    def ask(texts: list[str]) -> Floats:
        numeric, strings = np.empty((len(texts), 0), np.float32), np.array(texts, object)[:, None]
        return ready.engine.predict(numeric, strings)[:, place].astype(np.float64)

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


def _hold(context: TaskContext, model: str, version: str) -> Ready:
    """Return a version that is ready, loading it if it was not asked for lately."""
    held: OrderedDict[tuple[str, str], Ready] = context.keep("explained", OrderedDict)
    ready = held.get((model, version))
    if ready is None:
        manifest = registry_of(context).manifest(model, version)
        folder = registry_of(context).directory(model, version)
        engine = load_engine(folder, manifest, context.settings.trusted_types)
        ready = held[model, version] = make_ready(manifest, engine, read_background(folder, manifest))
    held.move_to_end((model, version))
    while len(held) > HELD:
        held.popitem(last=False)
    return ready


def _repeat(packed: Packed, rows: int) -> Packed:
    which = np.arange(rows) % len(packed.numeric)
    return Packed(packed.numeric[which], packed.strings[which])

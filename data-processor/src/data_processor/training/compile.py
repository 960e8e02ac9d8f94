"""From a trained pipeline to an ONNX model, and the proof that both answer alike.

How a pipeline is converted is its task's to say (`tasks/*/conversion.py`), and is not trusted: each model is
asked the holdout rows, and copies of some with every column missing, unseen or far out of range in turn; if
one label differs, or one probability by more than `TOLERANCE`, or one value by more than so much of the
target's spread, the version is served by scikit-learn and says why. Where the trained form finds two labels
equally probable, to within `TOLERANCE`, it is rounding which of them is named, and no difference: half of the
trees of a forest may say one and half the other.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import onnxruntime
import pandas as pd
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

from data_processor.features.calendar import FEATURES, calendar_of, feature_name
from data_processor.features.packing import MISSING, NUMERIC_INPUT, STRINGS_INPUT, numbers_type, pack
from data_processor.features.schema import Schema
from data_processor.models.engine import OnnxEngine
from data_processor.models.manifest import Parity
from data_processor.tasks.pipelines import answer, blended
from data_processor.tasks.registry import row_task_of
from data_processor.training.joining import join
from data_processor.training.latency import compare_latency
from data_processor.training.odd_texts import odd_texts
from data_processor.training.scale import Scale

TOLERANCE = 1e-5
"""The largest difference of two probabilities, and of two values in units of the target's spread."""
MAX_ROWS = 10_000
"""Holdout rows that are compared as they are."""
VARIED_ROWS = 200
"""Holdout rows that are compared with each column made missing, unseen and out of range."""
TIMESTAMPS = ("", "0001-01-01", "1970-01-01T00:00:00", "2024-02-29T12:34:56.789", "9999-12-31T23:59:59")
"""What each datetime column is made in turn; the first is not a timestamp, so it is missing."""
UNSEEN = "never seen in training \N{SNOWMAN}"


@dataclass(frozen=True, slots=True)
class Compiled:
    """How a version is to be served, and why."""

    engine: Literal["onnx", "scikit-learn"]
    parity: Parity


def compile_model(
    pipeline: Pipeline, schema: Schema, holdout: pd.DataFrame, target: Path, *, scale: Scale | None = None
) -> Compiled:
    """Write the pipeline as ONNX to a path and compare both on rows.

    No file is left where they differ, and for texts where the trained form answers faster.

    The model has the inputs `numeric` (`numbers_type` [rows, `schema.width`], NaN is missing) and `strings`
    (string [rows, other columns], "nan" is missing), without the one that has no columns, and among its
    outputs `probabilities`, or `variable` with the values of a regression. `holdout` is a frame as pipelines
    take it; `scale` is what values are compared by, without it 1.
    """
    rows = _probes(holdout.iloc[:MAX_ROWS], schema)
    slower = False
    try:
        model = convert(pipeline, schema)
        parity = compare(pipeline, model, schema, rows, scale)
        task = row_task_of(schema.task)
        if parity.passed and task.learner.compares_latency:
            trained = task.trained_engine(pipeline, schema)
            times = compare_latency(OnnxEngine(model), trained, pack(holdout, schema))
            slower = times.trained_wins
            parity = parity.model_copy(update={"reason": f"{parity.reason} {times}"})
    except Exception as error:  # noqa: BLE001  # whatever cannot be compiled is served by scikit-learn
        first = next(iter(str(error).splitlines()), "")
        parity = Parity(
            rows=0,
            labels_differing=0,
            max_difference=0.0,
            passed=False,
            reason=f"It cannot be compiled to ONNX: {type(error).__name__}: {first[:300]}",
        )
    if not parity.passed or slower:
        target.unlink(missing_ok=True)
        return Compiled("scikit-learn", parity)
    target.write_bytes(model)
    return Compiled("onnx", parity)


def convert(pipeline: Pipeline, schema: Schema) -> bytes:
    """Return the pipeline as a serialised ONNX model; raises whatever skl2onnx raises.

    The members of a blend are compiled one by one, and joined.
    """
    learner = row_task_of(schema.task).learner
    members, weights = blended(pipeline)
    models = [learner.convert(member, schema) for member in members]
    model = models[0] if len(models) == 1 else join(models, weights, _output(schema))
    content: bytes = model.SerializeToString()
    return content


def _output(schema: Schema) -> str:
    return "probabilities" if schema.classes else "variable"


def compare(
    pipeline: Pipeline, model: bytes, schema: Schema, rows: pd.DataFrame, scale: Scale | None = None
) -> Parity:
    """Ask the pipeline and its compiled form about the same rows, (rows, inputs) as pipelines take them."""
    trained = answer(pipeline, rows)
    compiled = _compiled(model, rows, schema)
    differing = _other_labels(trained, compiled) if schema.classes else 0
    units = 1.0 if schema.classes else (scale or Scale()).of(trained)
    difference = float((np.abs(trained - compiled) / units).max(initial=0.0))
    passed = differing == 0 and difference <= TOLERANCE  # a NaN is no parity either
    if passed:
        reason = f"Both answer {len(rows)} rows alike, missing and unseen values among them."
    else:
        reason = (
            f"Of {len(rows)} rows {differing} get another label; the largest difference is {difference:.2g}."
        )
    return Parity(
        rows=len(rows),
        labels_differing=differing,
        max_difference=difference if np.isfinite(difference) else 1.0,
        scale=scale.spread if scale is not None else None,
        passed=passed,
        reason=reason,
    )


def _other_labels(trained: NDArray[np.float64], compiled: NDArray[np.float64]) -> int:
    """Count the rows, of two matrices (rows, classes), to which another label is given that is no tie."""
    at = np.arange(len(trained))
    named, also = trained[at, trained.argmax(axis=1)], trained[at, compiled.argmax(axis=1)]
    return int((named - also > TOLERANCE).sum())


def _compiled(model: bytes, rows: pd.DataFrame, schema: Schema) -> NDArray[np.float64]:
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    packed = pack(rows, schema)
    blocks = {NUMERIC_INPUT: packed.numeric, STRINGS_INPUT: packed.strings}
    feed = {found.name: blocks[found.name] for found in session.get_inputs()}
    said = session.run([_output(schema)], feed)[0]
    return np.asarray(said, np.float64).reshape(len(rows), -1)


def _probes(holdout: pd.DataFrame, schema: Schema) -> pd.DataFrame:
    """Return rows as they are, and copies of some with each column varied in turn."""
    varied = _varied(holdout.iloc[:VARIED_ROWS], schema)
    return pd.concat([holdout, *varied], ignore_index=True)


def _varied(rows: pd.DataFrame, schema: Schema) -> Iterator[pd.DataFrame]:
    for column in schema.numeric:
        span = max(1.0, abs(column.maximum or 0.0), abs(column.minimum or 0.0))
        for value in (np.nan, 0.0, 10 * span, -10 * span, 1e30, -1e30):
            yield rows.assign(**{column.name: numbers_type(schema).type(value)})
    for column in schema.timestamps:
        for timestamp in TIMESTAMPS:
            seen = dict(zip(FEATURES, calendar_of(timestamp), strict=True))
            yield rows.assign(
                **{feature_name(column.name, name): np.float32(seen[name]) for name in column.calendar}
            )
    for column in schema.strings:
        if column.kind == "text":
            odd = odd_texts(rows[column.name].tolist())
            yield rows.iloc[np.arange(len(odd)) % len(rows)].assign(**{column.name: odd})
        for text in (MISSING, UNSEEN, ""):
            yield rows.assign(**{column.name: pd.Series(text, index=rows.index, dtype=object)})

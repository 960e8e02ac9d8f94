"""From a trained pipeline to an ONNX model, and the proof that both answer alike.

What conversion needs to be exact, measured with skl2onnx 1.20: no scaler in front of trees and no native
categories (`tasks/tables/pipelines.py` has neither), the booleans of boosted trees as integers (protobuf 7
refuses them), and no missing number in front of a forest, whose converter forgets which way they go. None of
that is trusted: each model is asked the holdout rows, and copies of some with every column missing, unseen
or far out of range in turn; if one label differs, or one probability by more than `TOLERANCE`, the version is
served by scikit-learn and says why.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import onnxruntime
import pandas as pd
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

from data_processor.features.calendar import FEATURES, calendar_of, feature_name
from data_processor.features.packing import MISSING, NUMERIC_INPUT, STRINGS_INPUT, pack
from data_processor.features.schema import Schema
from data_processor.models.engine import OnnxEngine
from data_processor.models.manifest import Parity
from data_processor.tasks.tables.pipelines import answer, blended
from data_processor.tasks.texts.conversion import any_number_of_rows, convertible, text_converters
from data_processor.tasks.texts.engine import TextEngine
from data_processor.tasks.texts.odd_texts import odd_texts
from data_processor.training.joining import join
from data_processor.training.latency import race

TOLERANCE = 1e-5
"""The largest difference of two probabilities, and of two values relative to their size."""
MAX_ROWS = 10_000
"""Reference rows that are compared as they are."""
VARIED_ROWS = 200
"""Reference rows that are compared with each column made missing, unseen and out of range."""
MOMENTS = ("", "0001-01-01", "1970-01-01T00:00:00", "2024-02-29T12:34:56.789", "9999-12-31T23:59:59")
"""What each datetime column is made in turn; the first is no moment, so it is missing."""
UNSEEN = "never seen in training \N{SNOWMAN}"
OPSETS = {"": 21, "ai.onnx.ml": 3}
"""Fixed, so that the same pipeline compiles to the same model whatever else is installed."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """How a version is to be served, and why."""

    engine: Literal["onnx", "scikit-learn"]
    parity: Parity


def compile_model(pipeline: Pipeline, schema: Schema, reference: pd.DataFrame, target: Path) -> Compiled:
    """Write the pipeline as ONNX to a path and compare both on rows.

    No file is left where they differ, and for texts where the trained form answers faster.

    The model has the inputs `numeric` (float32 [rows, `schema.width`], NaN is missing) and `strings` (string
    [rows, other columns], "nan" is missing), without the one that has no columns, and among its outputs
    `probabilities`, or `variable` with the values of a regression. `reference` is a frame as pipelines take
    it.
    """
    rows = _probes(reference.iloc[:MAX_ROWS], schema)
    slower = False
    try:
        model = convert(pipeline, schema)
        parity = compare(pipeline, model, schema, rows)
        if parity.passed and schema.task == "text-classification":
            times = race(OnnxEngine(model), TextEngine(pipeline, schema), pack(reference, schema))
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
    members, weights = blended(pipeline)
    models = [_converted(member, schema) for member in members]
    model = models[0] if len(models) == 1 else join(models, weights, _output(schema))
    content: bytes = model.SerializeToString()
    return content


def _converted(pipeline: Pipeline, schema: Schema) -> Any:
    from skl2onnx import convert_sklearn  # noqa: PLC0415  # seconds and 100 MB that only training needs
    from skl2onnx.common.data_types import FloatTensorType, StringTensorType  # noqa: PLC0415

    inputs: list[tuple[str, Any]] = []
    if schema.width:
        inputs.append((NUMERIC_INPUT, FloatTensorType([None, schema.width])))
    if schema.strings:
        inputs.append((STRINGS_INPUT, StringTensorType([None, len(schema.strings)])))
    options: dict[Any, Any] | None = {"zipmap": False} if schema.classes else None
    if schema.task == "text-classification":
        pipeline, options = convertible(pipeline)
    model = convert_sklearn(
        pipeline,
        initial_types=inputs,
        options=options,
        target_opset=OPSETS,
        custom_conversion_functions={**_boosting_converters(), **text_converters()},
    )
    if schema.task == "text-classification":
        any_number_of_rows(model)
    return model


def _output(schema: Schema) -> str:
    return "probabilities" if schema.classes else "variable"


def compare(pipeline: Pipeline, model: bytes, schema: Schema, rows: pd.DataFrame) -> Parity:
    """Ask the pipeline and its compiled form about the same rows, (rows, inputs) as pipelines take them."""
    trained = answer(pipeline, rows).astype(np.float32)
    compiled = _compiled(model, rows, schema)
    scale = 1.0 if schema.classes else max(1.0, float(np.abs(trained).max(initial=0.0)))
    differing = int((trained.argmax(axis=1) != compiled.argmax(axis=1)).sum()) if schema.classes else 0
    difference = float(np.abs(trained - compiled).max(initial=0.0)) / scale
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
        passed=passed,
        reason=reason,
    )


def _compiled(model: bytes, rows: pd.DataFrame, schema: Schema) -> NDArray[np.float32]:
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    packed = pack(rows, schema)
    blocks = {NUMERIC_INPUT: packed.numeric, STRINGS_INPUT: packed.strings}
    feed = {found.name: blocks[found.name] for found in session.get_inputs()}
    said = session.run([_output(schema)], feed)[0]
    return np.asarray(said, np.float32).reshape(len(rows), -1)


def _probes(reference: pd.DataFrame, schema: Schema) -> pd.DataFrame:
    """Return rows as they are, and copies of some with each column varied in turn."""
    varied = _varied(reference.iloc[:VARIED_ROWS], schema)
    return pd.concat([reference, *varied], ignore_index=True)


def _varied(rows: pd.DataFrame, schema: Schema) -> Iterator[pd.DataFrame]:
    for column in schema.numeric:
        span = max(1.0, abs(column.maximum or 0.0), abs(column.minimum or 0.0))
        for value in (np.nan, 0.0, 10 * span, -10 * span, 1e30, -1e30):
            yield rows.assign(**{column.name: np.float32(value)})
    for column in schema.timestamps:
        for moment in MOMENTS:
            seen = dict(zip(FEATURES, calendar_of(moment), strict=True))
            yield rows.assign(
                **{feature_name(column.name, name): np.float32(seen[name]) for name in column.calendar}
            )
    for column in schema.strings:
        if column.kind == "text":
            odd = odd_texts(rows[column.name].tolist())
            yield rows.iloc[np.arange(len(odd)) % len(rows)].assign(**{column.name: odd})
        for text in (MISSING, UNSEEN, ""):
            yield rows.assign(**{column.name: pd.Series(text, index=rows.index, dtype=object)})


def _boosting_converters() -> dict[type, Any]:
    """Return converters of boosted trees that write booleans as the integers that protobuf 7 insists on."""
    from skl2onnx._supported_operators import sklearn_operator_name_map  # noqa: PLC0415  # see convert
    from skl2onnx.common._registration import get_converter  # noqa: PLC0415
    from sklearn.ensemble import (  # noqa: PLC0415
        HistGradientBoostingClassifier,
        HistGradientBoostingRegressor,
    )

    def whole(converter: Any) -> Any:
        return lambda scope, operator, container: converter(scope, operator, _WholeNumbers(container))

    boosting = (HistGradientBoostingClassifier, HistGradientBoostingRegressor)
    return {cls: whole(get_converter(sklearn_operator_name_map[cls])) for cls in boosting}


class _WholeNumbers:
    """A container of ONNX nodes that takes booleans in lists as integers."""

    def __init__(self, container: Any) -> None:
        self._container = container

    def __getattr__(self, name: str) -> Any:
        return getattr(self._container, name)

    def add_node(self, op_type: str, inputs: Any, outputs: Any, **attributes: Any) -> None:
        """Add a node with its attributes cleaned."""
        self._container.add_node(op_type, inputs, outputs, **{k: _whole(v) for k, v in attributes.items()})


def _whole(value: Any) -> Any:
    if isinstance(value, list) and any(isinstance(item, (bool, np.bool_, np.integer)) for item in value):
        return [int(item) for item in value]
    return value

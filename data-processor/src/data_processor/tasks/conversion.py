"""From a fitted pipeline to an ONNX model that takes the two blocks of packed rows."""

from collections.abc import Mapping
from typing import Any

from sklearn.pipeline import Pipeline

from data_processor.features.packing import NUMERIC_INPUT, STRINGS_INPUT
from data_processor.features.schema import Schema

OPSETS = {"": 21, "ai.onnx.ml": 3}
"""Fixed, so that the same pipeline compiles to the same model whatever else is installed."""


def to_onnx(
    pipeline: Pipeline,
    schema: Schema,
    *,
    options: Mapping[Any, Any] | None,
    converters: Mapping[type, Any],
    shapes: Mapping[type, Any] | None = None,
) -> Any:
    """Return a pipeline as an ONNX model; raises whatever skl2onnx raises.

    `shapes` says how many columns the steps have that skl2onnx does not know.
    """
    from skl2onnx import convert_sklearn  # noqa: PLC0415  # seconds and 100 MB that only training needs
    from skl2onnx.common.data_types import FloatTensorType, StringTensorType  # noqa: PLC0415

    inputs: list[tuple[str, Any]] = []
    if schema.width:
        inputs.append((NUMERIC_INPUT, FloatTensorType([None, schema.width])))
    if schema.strings:
        inputs.append((STRINGS_INPUT, StringTensorType([None, len(schema.strings)])))
    return convert_sklearn(
        pipeline,
        initial_types=inputs,
        options=options,
        target_opset=OPSETS,
        custom_conversion_functions=dict(converters),
        custom_shape_calculators=dict(shapes or {}),
    )

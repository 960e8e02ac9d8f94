"""Numbers that 32 bits cannot tell apart, counted from a middle: inputs before a model, values after it.

Both are part of the trained pipeline and of its compiled form, which subtract and add in 64 bits; between
them everything is computed in 32, alike in both.
"""

import copy
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, MetaEstimatorMixin, RegressorMixin, TransformerMixin, clone
from sklearn.pipeline import Pipeline

from data_processor.features.packing import numeric_names
from data_processor.features.schema import Schema

Floats = NDArray[np.float64]


class Centred(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Columns as 32-bit floats, counted from an offset each."""

    def __init__(self, offsets: Floats) -> None:
        """Take one offset for each column."""
        self.offsets = offsets

    def fit(self, X: Any, y: Any = None) -> "Centred":  # noqa: N803  # scikit-learn's name
        """Learn nothing: the offsets are given."""
        del y
        self.n_features_in_ = np.shape(X)[1]
        return self

    def transform(self, X: Any) -> NDArray[np.float32]:  # noqa: N803  # as above
        """Return the columns, shape (rows, columns), as 32-bit floats."""
        return (np.asarray(X, np.float64) - self.offsets).astype(np.float32)


class CentredRegressor(RegressorMixin, MetaEstimatorMixin, BaseEstimator):  # type: ignore[misc]  # as above
    """A regressor of how far values are from their median, which it adds in 64 bits."""

    def __init__(self, regressor: Any) -> None:
        """Fit and ask this one."""
        self.regressor = regressor

    def fit(self, X: Any, y: Floats, sample_weight: Floats | None = None) -> "CentredRegressor":  # noqa: N803  # as above
        """Fit the regressor to the distances from the median."""
        self.offset_ = float(np.median(y))
        self.regressor_ = clone(self.regressor).fit(X, y - self.offset_, sample_weight=sample_weight)
        return self

    def predict(self, X: Any) -> Floats:  # noqa: N803  # as above
        """Return values, shape (rows,)."""
        return np.asarray(self.regressor_.predict(X), np.float64) + self.offset_


def offsets_at(places: tuple[int, ...], schema: Schema) -> Floats:
    """Return the offsets of some columns of the numeric block."""
    every = np.zeros(len(numeric_names(schema)))
    every[: len(schema.numeric)] = [column.offset for column in schema.numeric]
    return every[list(places)]


def without_offsets(pipeline: Pipeline) -> tuple[Pipeline, float | None]:
    """Return a pipeline that takes and answers distances from offsets, and the offset of its answers, if any.

    Its inputs' offsets are the schema's. skl2onnx knows neither `Centred` nor numbers of two types.
    """
    bare, columns = copy.copy(pipeline), copy.copy(pipeline.named_steps["columns"])
    columns.transformers_ = [(name, _uncentred(one), places) for name, one, places in columns.transformers_]
    model, offset = pipeline.named_steps["model"], None
    if isinstance(model, CentredRegressor):
        model, offset = model.regressor_, model.offset_
    bare.steps = [("columns", columns), *pipeline.steps[1:-1], ("model", model)]
    return bare, offset


def centre_inputs(model: Any, offsets: Floats, numbers: str) -> None:
    """Let a compiled model take its numbers as 64-bit floats and subtract the offsets from them."""
    from onnx import TensorProto, helper  # noqa: PLC0415  # as `conversion.py: to_onnx`

    graph, inner, constant = model.graph, f"{numbers}:centred", f"{numbers}:offsets"
    for node in graph.node:
        node.input[:] = [inner if name == numbers else name for name in node.input]
    graph.initializer.append(helper.make_tensor(constant, TensorProto.DOUBLE, [len(offsets)], offsets))
    graph.node.insert(0, helper.make_node("Sub", [numbers, constant], [f"{inner}:64"]))
    graph.node.insert(1, helper.make_node("Cast", [f"{inner}:64"], [inner], to=TensorProto.FLOAT))
    given = next(one for one in graph.input if one.name == numbers)
    given.type.tensor_type.elem_type = TensorProto.DOUBLE


def add_offset(model: Any, offset: float, output: str) -> None:
    """Let a compiled model add an offset to its output, which becomes a 64-bit float."""
    from onnx import TensorProto, helper  # noqa: PLC0415  # as above

    graph, inner, constant = model.graph, f"{output}:centred", f"{output}:offset"
    for node in graph.node:
        node.output[:] = [inner if name == output else name for name in node.output]
        node.input[:] = [inner if name == output else name for name in node.input]
    graph.initializer.append(helper.make_tensor(constant, TensorProto.DOUBLE, [1], [offset]))
    graph.node.append(helper.make_node("Cast", [inner], [f"{inner}:64"], to=TensorProto.DOUBLE))
    graph.node.append(helper.make_node("Add", [f"{inner}:64", constant], [output]))
    answer = next(one for one in graph.output if one.name == output)
    answer.type.tensor_type.elem_type = TensorProto.DOUBLE


def _uncentred(transformer: Any) -> Any:
    """Return a fitted transformer without the `Centred` it may begin with."""
    if isinstance(transformer, Centred):
        return "passthrough"
    if isinstance(transformer, Pipeline) and isinstance(transformer[0], Centred):
        return transformer[1:] if len(transformer) > 2 else transformer[1]  # noqa: PLR2004  # one step is no chain
    return transformer

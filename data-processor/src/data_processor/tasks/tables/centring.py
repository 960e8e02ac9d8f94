"""Numbers that 32 bits cannot tell apart, counted from a middle: inputs before a model, values after it.

Both are part of the trained pipeline and of its compiled form, which subtract and add in 64 bits; between
them everything is computed in 32, alike in both. Values may be learnt on a scale of their own besides, and
come back from it in 64 bits too.
"""

import copy
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, MetaEstimatorMixin, RegressorMixin, TransformerMixin, clone
from sklearn.pipeline import Pipeline

from data_processor.features.packing import numeric_names
from data_processor.features.schema import Schema

Floats = NDArray[np.float64]
TargetScale = Literal["plain", "square-root", "logarithm"]
"""On which scale values are learnt: as they are, or by the root or logarithm of their distance from a floor,
where large values are noisier than small ones."""


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
    """A regressor of how far values are, on a scale, from their median, which it adds in 64 bits."""

    scale: TargetScale = "plain"  # of regressors that were stored before there were scales
    floor_: float = 0.0

    def __init__(self, regressor: Any, scale: TargetScale = "plain") -> None:
        """Fit and ask this one."""
        self.regressor = regressor
        self.scale = scale

    @classmethod
    def around(cls, regressor: Any, offset: float) -> "CentredRegressor":
        """Return what adds an offset to the answers of a regressor that is fitted already."""
        made = cls(regressor)
        made.regressor_, made.offset_ = regressor, offset
        return made

    def fit(
        self,
        X: Any,  # noqa: N803  # as above
        y: Floats,
        sample_weight: Floats | None = None,
        watched: tuple[Any, Floats] | None = None,
    ) -> "CentredRegressor":
        """Fit the regressor to the distances from the median; it may watch other inputs and their values."""
        self.floor_ = min(0.0, float(np.min(y)))
        scaled = self._scaled(y)
        self.offset_ = float(np.median(scaled))
        more = {}
        if watched is not None:
            more = {"X_val": watched[0], "y_val": self._scaled(watched[1]) - self.offset_}
        model = clone(self.regressor)
        self.regressor_ = model.fit(X, scaled - self.offset_, sample_weight=sample_weight, **more)
        return self

    def predict(self, X: Any) -> Floats:  # noqa: N803  # as above
        """Return values, shape (rows,)."""
        scaled = np.asarray(self.regressor_.predict(X), np.float64) + self.offset_
        if self.scale == "square-root":
            return np.maximum(scaled, 0.0) ** 2 + self.floor_
        return np.exp(scaled) - 1.0 + self.floor_ if self.scale == "logarithm" else scaled

    def _scaled(self, y: Floats) -> Floats:
        """Return values on the scale; what is below the floor counts as there."""
        if self.scale == "plain":
            return y
        above = np.maximum(y - self.floor_, 0.0)
        return np.sqrt(above) if self.scale == "square-root" else np.log1p(above)


def offsets_at(places: tuple[int, ...], schema: Schema) -> Floats:
    """Return the offsets of some columns of the numeric block."""
    every = np.zeros(len(numeric_names(schema)))
    every[: len(schema.numeric)] = [column.offset for column in schema.numeric]
    return every[list(places)]


def without_offsets(pipeline: Pipeline) -> tuple[Pipeline, CentredRegressor | None]:
    """Return a pipeline that takes and answers distances from offsets, and what centres its answers, if any.

    Its inputs' offsets are the schema's. skl2onnx knows neither `Centred` nor numbers of two types.
    """
    bare, columns = copy.copy(pipeline), copy.copy(pipeline.named_steps["columns"])
    columns.transformers_ = [(name, _uncentred(one), places) for name, one, places in columns.transformers_]
    model, centred = pipeline.named_steps["model"], None
    if isinstance(model, CentredRegressor):
        model, centred = model.regressor_, model
    bare.steps = [("columns", columns), *pipeline.steps[1:-1], ("model", model)]
    return bare, centred


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


def add_offset(model: Any, centred: CentredRegressor, output: str) -> None:
    """Let a compiled model answer, in 64 bits, what its centred regressor makes of its output."""
    from onnx import TensorProto, helper  # noqa: PLC0415  # as above

    graph, inner = model.graph, f"{output}:centred"
    for node in graph.node:
        node.output[:] = [inner if name == output else name for name in node.output]
        node.input[:] = [inner if name == output else name for name in node.input]
    graph.node.append(helper.make_node("Cast", [inner], [f"{inner}:64"], to=TensorProto.DOUBLE))
    last = f"{inner}:64"

    def then(kind: str, number: float | None = None) -> None:
        nonlocal last
        place, given = len(graph.node), [last]
        if number is not None:
            given.append(f"{output}:number{place}")
            graph.initializer.append(helper.make_tensor(given[1], TensorProto.DOUBLE, [1], [number]))
        last = f"{output}:step{place}"
        graph.node.append(helper.make_node(kind, given, [last]))

    then("Add", centred.offset_)
    if centred.scale == "square-root":
        then("Max", 0.0)
        then("Pow", 2.0)
        then("Add", centred.floor_)
    elif centred.scale == "logarithm":
        then("Exp")
        then("Add", centred.floor_ - 1.0)
    graph.node.append(helper.make_node("Identity", [last], [output]))
    answer = next(one for one in graph.output if one.name == output)
    answer.type.tensor_type.elem_type = TensorProto.DOUBLE


def _uncentred(transformer: Any) -> Any:
    """Return a fitted transformer without the `Centred` it may begin with."""
    if isinstance(transformer, Centred):
        return "passthrough"
    if isinstance(transformer, Pipeline) and isinstance(transformer[0], Centred):
        return transformer[1:] if len(transformer) > 2 else transformer[1]  # noqa: PLR2004  # one step is no chain
    return transformer

"""What converting the steps that are ours, and the words of texts, to ONNX takes to be exact."""

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.pipeline import Pipeline

from data_processor.tasks.tables.target_means import TargetMeans
from data_processor.tasks.tables.words import ReducedTerms

_WORDS = r"[\pL\pN_]+"
"""What Python calls `\\w`, as RE2 says it: the same characters of Unicode, letter by letter."""


def convertible(pipeline: Pipeline) -> tuple[Pipeline, dict[Any, Any]]:
    """Return a pipeline that says in ONNX's words what words are, and the options to convert it."""
    bare, columns = copy.copy(pipeline), copy.copy(pipeline.named_steps["columns"])
    options: dict[Any, Any] = {}
    parts = []
    for name, part, places in columns.transformers_:
        converted = part
        if isinstance(part, Pipeline) and isinstance(part[0], CountVectorizer):
            counts = CountVectorizer(**{key: getattr(part[0], key) for key in CountVectorizer().get_params()})
            # The C locale makes small what `PlainLower` does, and no other letter.
            counts.set_params(preprocessor=None, lowercase=True)
            counts.vocabulary_, counts.fixed_vocabulary_ = part[0].vocabulary_, False
            options[id(counts)] = {"locale": "C", "tokenexp": _WORDS}
            converted = Pipeline([("terms", counts), *part.steps[1:]])
        parts.append((name, converted, places))
    columns.transformers_ = parts
    bare.steps = [(name, columns if name == "columns" else step) for name, step in pipeline.steps]
    return bare, options


def column_converters() -> dict[type, Callable[..., None]]:
    """Return the converters of the steps that are ours."""
    return {TargetMeans: _target_means, ReducedTerms: _reduced_terms}


def column_shapes() -> dict[type, Callable[[Any], None]]:
    """Return what says how many columns these steps have."""
    return {
        TargetMeans: lambda operator: _shape(
            operator, sum(means.shape[1] for means in operator.raw_operator.means_)
        ),
        ReducedTerms: lambda operator: _shape(operator, operator.raw_operator.projection_.shape[1] - 1),
    }


def _shape(operator: Any, width: int) -> None:
    from skl2onnx.common.data_types import FloatTensorType  # noqa: PLC0415  # as `conversion.py: to_onnx`

    operator.outputs[0].type = FloatTensorType([None, width])


def _target_means(scope: Any, operator: Any, container: Any) -> None:
    """Write a look-up: of each text its place, and of each place its means."""
    step, write = operator.raw_operator, _Writer(scope, container)
    (block,) = operator.input_full_names
    found = []
    for place, (values, means) in enumerate(zip(step.values_, step.means_, strict=True)):
        column = write.ml("ArrayFeatureExtractor", [block, write.whole([place])])
        rows = write.ml(
            "LabelEncoder",
            [column],
            keys_strings=list(values),
            values_int64s=list(values.values()),
            default_int64=len(values),
        )
        flat = write.node("Reshape", [rows, write.whole([-1])])
        found.append(write.node("Gather", [write.floats(means), flat], axis=0))
    container.add_node("Concat", found, operator.output_full_names, op_version=13, axis=1)


def _reduced_terms(scope: Any, operator: Any, container: Any) -> None:
    """Write sums of whole numbers, divided by the sum of the weights."""
    projection, write = operator.raw_operator.projection_, _Writer(scope, container)
    (counts,) = operator.input_full_names
    weights = np.ascontiguousarray(projection[:, -1:])
    sums = write.node("MatMul", [counts, write.floats(np.ascontiguousarray(projection[:, :-1]))])
    length = write.node("Max", [write.node("MatMul", [counts, write.floats(weights)]), write.floats([1.0])])
    container.add_node("Div", [sums, length], operator.output_full_names, op_version=14)


class _Writer:
    """Adds nodes and constants with names of their own."""

    def __init__(self, scope: Any, container: Any) -> None:
        self._scope, self._container = scope, container

    def node(self, kind: str, inputs: list[str], **attributes: Any) -> str:
        return self._add(kind, inputs, "", 13, attributes)

    def ml(self, kind: str, inputs: list[str], **attributes: Any) -> str:
        return self._add(kind, inputs, "ai.onnx.ml", 2 if kind == "LabelEncoder" else 1, attributes)

    def floats(self, values: Any) -> str:
        return self._constant(np.asarray(values, np.float32), "FLOAT")

    def whole(self, values: Any) -> str:
        return self._constant(np.asarray(values, np.int64), "INT64")

    def _constant(self, values: Any, kind: str) -> str:
        from skl2onnx.proto import onnx_proto  # noqa: PLC0415  # as above

        name: str = self._scope.get_unique_variable_name("constant")
        kinds = onnx_proto.TensorProto
        self._container.add_initializer(name, getattr(kinds, kind), list(values.shape), values.ravel())
        return name

    def _add(self, kind: str, inputs: list[str], domain: str, version: int, attributes: Any) -> str:
        name: str = self._scope.get_unique_variable_name(kind.lower())
        self._container.add_node(
            kind,
            inputs,
            name,
            op_domain=domain,
            op_version=version,
            name=self._scope.get_unique_operator_name(kind),
            **attributes,
        )
        return name

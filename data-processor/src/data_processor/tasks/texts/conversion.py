"""What converting a pipeline for texts to ONNX takes to be exact, measured with skl2onnx 1.20."""

import copy
from typing import Any

import numpy as np
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer, TfidfVectorizer
from sklearn.pipeline import Pipeline, make_pipeline

from data_processor.tasks.texts.letters import PlainLower


def convertible(pipeline: Pipeline) -> tuple[Pipeline, dict[Any, Any]]:
    """Return a copy that says in ONNX's words how capital letters are treated, and the options to convert it.

    The C locale makes small what `PlainLower` does, and no other letter.
    """
    pipeline = copy.deepcopy(pipeline)
    columns = pipeline.named_steps["columns"]
    ((name, vectorizer, place),) = columns.transformers_
    counts = CountVectorizer(**{key: getattr(vectorizer, key) for key in CountVectorizer().get_params()})
    counts.vocabulary_, counts.fixed_vocabulary_ = vectorizer.vocabulary_, False
    if isinstance(vectorizer.preprocessor, PlainLower):
        counts.set_params(preprocessor=None, lowercase=True)
    if isinstance(vectorizer, TfidfVectorizer):  # in two, so that the second is converted by `_tfidf`
        weights = vectorizer._tfidf  # noqa: SLF001  # it has no public name
        columns.transformers_ = [(name, make_pipeline(counts, weights), place)]
    else:
        columns.transformers_ = [(name, counts, place)]
    return pipeline, {id(pipeline.named_steps["model"]): {"zipmap": False}, id(counts): {"locale": "C"}}


def any_number_of_rows(model: Any) -> None:
    """Say that a model answers as many rows as it is asked: skl2onnx thinks one, and onnxruntime warns."""
    for output in model.graph.output:
        output.type.tensor_type.shape.dim[0].dim_param = "rows"


def text_converters() -> dict[type, Any]:
    """Return the converters that are ours."""
    return {TfidfTransformer: _tfidf}


def _tfidf(scope: Any, operator: Any, container: Any) -> None:
    """Write tf-idf: skl2onnx's own takes the logarithm of 1 + count for the damped count 1 + log(count)."""
    from skl2onnx.common._apply_operation import apply_identity, apply_normalizer  # noqa: PLC0415  # as above
    from skl2onnx.proto import onnx_proto  # noqa: PLC0415

    op = operator.raw_operator
    named = scope.get_unique_variable_name

    def constant(values: Any) -> str:
        name: str = named("constant")
        flat = np.ravel(values).astype(np.float32)
        container.add_initializer(name, onnx_proto.TensorProto.FLOAT, [len(flat)], flat)
        return name

    def node(kind: str, *inputs: str) -> str:
        name: str = named(kind.lower())
        container.add_node(kind, list(inputs), name, op_version=13, name=scope.get_unique_operator_name(kind))
        return name

    counts = operator.input_full_names[0]
    if op.sublinear_tf:
        one = constant([1.0])
        damped = node("Add", node("Log", node("Max", counts, one)), one)
        counts = node("Mul", damped, node("Min", counts, one))  # a term that is not there stays 0
    weighted = node("Mul", counts, constant(op.idf_))
    normed = named("normed")
    apply_normalizer(scope, weighted, normed, container, norm=op.norm.upper(), use_float=True)
    apply_identity(scope, normed, operator.output_full_names, container)

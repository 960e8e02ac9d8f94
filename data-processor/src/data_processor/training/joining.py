"""From several compiled models to one that answers with their weighted mean."""

from collections.abc import Sequence
from typing import Any

import numpy as np


def join(models: Sequence[Any], weights: Sequence[float], output: str) -> Any:
    """Return one ONNX model whose `output` is the weighted mean of theirs; they take the same inputs.

    Weights need not add up to 1, as scikit-learn's do not.
    """
    from onnx import compose, helper, numpy_helper  # noqa: PLC0415  # 50 MB that only training needs

    nodes, initializers, inputs, parts = [], [], {}, []
    total = float(sum(weights))
    element = next(one for one in models[0].graph.output if one.name == output).type.tensor_type.elem_type
    kind = helper.tensor_dtype_to_np_dtype(element)
    for number, (model, weight) in enumerate(zip(models, weights, strict=True)):
        prefix = f"member{number}:"
        graph = compose.add_prefix(model, prefix).graph
        for given, renamed in zip(model.graph.input, graph.input, strict=True):
            inputs[given.name] = given
            nodes.append(helper.make_node("Identity", [given.name], [renamed.name]))
        nodes += graph.node
        share = numpy_helper.from_array(np.array(weight / total, kind), f"{prefix}weight")
        initializers += [*graph.initializer, share]
        parts.append(f"{prefix}weighted")
        nodes.append(helper.make_node("Mul", [f"{prefix}{output}", share.name], [parts[-1]]))
    nodes.append(helper.make_node("Sum", parts, [output]))
    answer = helper.make_tensor_value_info(output, element, [None, None])
    graph = helper.make_graph(nodes, "blend", list(inputs.values()), [answer], initializers)
    opsets = {(one.domain, one.version) for model in models for one in model.opset_import}
    return helper.make_model(
        graph,
        ir_version=min(model.ir_version for model in models),
        opset_imports=[helper.make_opsetid(domain, version) for domain, version in sorted(opsets)],
    )

"""What converting a pipeline for tables to ONNX takes to be exact, measured with skl2onnx 1.20.

No scaler in front of trees and no native categories (`fitting.py` has neither), the booleans of boosted trees
as integers (protobuf 7 refuses them), and no missing number in front of a forest, whose converter forgets
which way they go. Boosted trees are written last one first: they are summed in 32 bits, and what is small
must come before what is large (of 1 300 trees the largest error falls from 9e-6 to 2e-6 of the spread).
"""

import copy
from typing import Any

import numpy as np


def boosting_converters() -> dict[type, Any]:
    """Return converters of boosted trees: the smallest first, booleans as the integers of protobuf 7."""
    from skl2onnx._supported_operators import sklearn_operator_name_map  # noqa: PLC0415  # as `conversion.py: to_onnx`
    from skl2onnx.common._registration import get_converter  # noqa: PLC0415
    from sklearn.ensemble import (  # noqa: PLC0415
        HistGradientBoostingClassifier,
        HistGradientBoostingRegressor,
    )

    def whole(converter: Any) -> Any:
        return lambda scope, operator, container: converter(
            scope, _Reversed(operator), _WholeNumbers(container)
        )

    boosting = (HistGradientBoostingClassifier, HistGradientBoostingRegressor)
    return {cls: whole(get_converter(sklearn_operator_name_map[cls])) for cls in boosting}


class _Reversed:
    """An operator of boosted trees, the last of which come first."""

    def __init__(self, operator: Any) -> None:
        self._operator = operator
        self.raw_operator = copy.copy(operator.raw_operator)
        self.raw_operator._predictors = operator.raw_operator._predictors[::-1]  # noqa: SLF001  # no public way

    def __getattr__(self, name: str) -> Any:
        return getattr(self._operator, name)


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

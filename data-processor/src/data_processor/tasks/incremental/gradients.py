"""The gradient of the mean loss in the weights of a linear model or a network with one hidden layer."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Layer(NamedTuple):
    """The weights of one layer."""

    weights: NDArray[Any]
    """Shape (inputs, outputs)."""
    intercepts: NDArray[Any]
    """Shape (outputs,)."""


def weight_norm(layers: list[Layer]) -> float:
    """Return the Euclidean norm of all weights, without the intercepts."""
    return float(np.sqrt(sum(float(np.square(layer.weights, dtype=np.float64).sum()) for layer in layers)))


def gradient_norm(
    layers: list[Layer], features: Any, outputs: Floats, target: NDArray[Any], alpha: float
) -> float:
    """Return the Euclidean norm of the gradient of mean loss and L2 penalty over some rows.

    `outputs` is what the layers answer: probabilities (rows, classes), for which the loss is the log loss, or
    values (rows, 1) with half the squared error. `target` has places of classes or values, shape (rows,).
    """
    with np.errstate(all="ignore"):  # what is not finite is no error here: the run has diverged
        error = _error(layers[-1], outputs, target) / len(target)
        total = 0.0
        if len(layers) == 1:
            total += _squares(features.T @ error, error, layers[0], alpha)
        else:
            first, last = layers
            hidden = np.maximum(features @ first.weights + first.intercepts, 0.0)
            total += _squares(hidden.T @ error, error, last, alpha)
            inner = (error @ last.weights.T) * (hidden > 0)
            total += _squares(features.T @ inner, inner, first, alpha)
    return float(np.sqrt(total))


def _error(last: Layer, outputs: Floats, target: NDArray[Any]) -> Floats:
    """Return how far each output of the last layer is from what it should be, shape (rows, outputs)."""
    width = last.weights.shape[1]
    if outputs.shape[1] > 1 and width == 1:
        outputs = outputs[:, 1:]  # two classes share an output: the second one's probability
    wanted = target[:, None] if width == 1 else np.eye(width)[target]
    return np.asarray(outputs - wanted, np.float64)


def _squares(gradient: Any, error: Floats, layer: Layer, alpha: float) -> float:
    whole = np.asarray(gradient) + alpha * layer.weights
    return float(np.square(whole).sum() + np.square(error.sum(axis=0)).sum())

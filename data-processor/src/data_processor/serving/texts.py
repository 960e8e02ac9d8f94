"""Asking a trained pipeline about texts without the detours it takes for tables.

The pipeline wants a frame, takes it apart, checks it and builds matrices, which for one text is nearly all of
the time. Every model for texts is linear in its terms: here a text's terms are looked up, weighed and summed.
scikit-learn's own analyser finds the terms, and the answers are the pipeline's to the last digits (the tests
compare them on whatever text there may be).
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_processor.datasets.schema import Schema

Floats = NDArray[np.float64]


class TextEngine:
    """Asks a trained pipeline for texts (`training/texts/pipeline.py`)."""

    def __init__(self, pipeline: Any, schema: Schema) -> None:
        """Take a pipeline apart."""
        ((_, vectorizer, _),) = pipeline.named_steps["columns"].transformers_
        model = pipeline.named_steps["model"]
        self._weigh = _Weigher(vectorizer)
        self._weights, self._intercepts, self._probabilities = linear_form(model)
        known = [str(label) for label in model.classes_]
        self._order = [known.index(label) for label in schema.classes]

    def predict(self, numeric: NDArray[np.float32], strings: NDArray[np.object_]) -> NDArray[np.float32]:
        """Return probabilities (rows, classes) in the order of the schema's classes."""
        del numeric
        sums = np.empty((len(strings), len(self._intercepts)))
        for row, text in enumerate(strings[:, 0].tolist()):
            terms, values = self._weigh(text)
            sums[row] = values @ self._weights[terms] + self._intercepts
        return np.asarray(self._probabilities(sums)[:, self._order], np.float32)


class _Weigher:
    """Finds a text's terms and what each counts for: what a fitted vectorizer does, for one text."""

    def __init__(self, vectorizer: Any) -> None:
        self._analyse = vectorizer.build_analyzer()
        self._place = vectorizer.vocabulary_.get
        self._binary = vectorizer.binary
        weights = getattr(vectorizer, "_tfidf", None)
        self._rarity: Floats | None = None if weights is None else weights.idf_
        self._sublinear = weights is not None and weights.sublinear_tf

    def __call__(self, text: str) -> tuple[NDArray[np.intp], Floats]:
        """Return the places of a text's known terms and their values."""
        found = [place for place in map(self._place, self._analyse(text)) if place is not None]
        terms, counts = np.unique(np.array(found, np.intp), return_counts=True)
        values = np.ones(len(terms)) if self._binary else counts.astype(np.float64)
        if self._rarity is None or not len(terms):
            return terms, values
        if self._sublinear:
            values = np.log(values) + 1.0
        values *= self._rarity[terms]
        return terms, values / np.sqrt(values @ values)


def linear_form(model: Any) -> tuple[Floats, Floats, Callable[[Floats], Floats]]:
    """Return a fitted model as weights (terms, outputs), intercepts (outputs,), and sums to probabilities.

    Raises `TypeError` for a model of another kind.
    """
    if hasattr(model, "calibrated_classifiers_"):
        (calibrated,) = model.calibrated_classifiers_
        linear = calibrated.estimator
        slopes = np.array([one.a_ for one in calibrated.calibrators])
        shifts = np.array([one.b_ for one in calibrated.calibrators])
        return linear.coef_.T, linear.intercept_, lambda sums: _calibrated(sums, slopes, shifts)
    if hasattr(model, "feature_log_prob_"):
        return model.feature_log_prob_.T, model.class_log_prior_, _softmax
    if hasattr(model, "coef_") and hasattr(model, "predict_proba"):
        return model.coef_.T, model.intercept_, _logistic
    raise TypeError(f"{type(model).__name__} is no model for texts.")


def _sigmoid(sums: Floats) -> Floats:
    # Both ends without overflow: tanh saturates.
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * sums)))


def _softmax(sums: Floats) -> Floats:
    powers = np.exp(sums - sums.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def _logistic(sums: Floats) -> Floats:
    if sums.shape[1] > 1:
        return _softmax(sums)
    second = _sigmoid(sums)
    return np.hstack([1 - second, second])


def _calibrated(sums: Floats, slopes: Floats, shifts: Floats) -> Floats:
    each = _sigmoid(-(slopes * sums + shifts))
    if sums.shape[1] == 1:
        return np.hstack([1 - each, each])
    total = each.sum(axis=1, keepdims=True)
    return np.asarray(np.divide(each, total, out=np.full_like(each, 1 / each.shape[1]), where=total > 0))

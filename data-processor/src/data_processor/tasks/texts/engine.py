"""Asking a trained pipeline about texts without the detours it takes for tables.

The pipeline wants a frame, takes it apart, checks it and builds matrices, which for one text is nearly all
of the time. Every model for texts begins with a weighted sum of terms: here those of a text are looked up,
weighed and summed. scikit-learn's own analyser finds the terms, and the answers are the pipeline's to the
last digits (the tests compare them on whatever text there may be).
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_processor.features.packing import Numbers
from data_processor.features.schema import Schema

Floats = NDArray[np.float64]
Places = NDArray[np.intp]

MOST_KEPT = 20_000
"""Words whose pieces are remembered: some megabytes."""
LONGEST_KEPT = 30
"""Characters of such a word."""


class TextEngine:
    """Asks a trained pipeline for texts, or several that answer together (`tasks/texts/pipeline.py`)."""

    def __init__(self, pipeline: Any, schema: Schema) -> None:
        """Take a pipeline apart."""
        model = pipeline.named_steps["model"]
        members = getattr(model, "estimators_", None) or [pipeline]
        self._members = [_Member(one, schema) for one in members]

    def predict(self, numeric: Numbers, strings: NDArray[np.object_]) -> NDArray[np.float32]:
        """Return probabilities (rows, classes) in the order of the schema's classes."""
        del numeric
        texts = strings[:, 0].tolist()
        said = [member.predict(texts) for member in self._members]
        return np.asarray(said[0] if len(said) == 1 else np.mean(said, axis=0), np.float32)


class _Member:
    """One vectorizer and the linear model behind it."""

    def __init__(self, pipeline: Any, schema: Schema) -> None:
        ((_, vectorizer, _),) = pipeline.named_steps["columns"].transformers_
        model = pipeline.named_steps["model"]
        self._weigh = _Weigher(vectorizer)
        self._weights, self._intercepts, self._probabilities = linear_form(model)
        known = [str(label) for label in model.classes_]
        self._order = [known.index(label) for label in schema.classes]

    def predict(self, texts: list[str]) -> Floats:
        sums = np.empty((len(texts), len(self._intercepts)))
        for row, text in enumerate(texts):
            terms, values = self._weigh(text)
            sums[row] = values @ self._weights[terms] + self._intercepts
        return self._probabilities(sums)[:, self._order]


class _Weigher:
    """Finds a text's terms and what each counts for: what a fitted vectorizer does, for one text."""

    def __init__(self, vectorizer: Any) -> None:
        self._analyse = vectorizer.build_analyzer()
        self._place = vectorizer.vocabulary_.get
        self._prepare = vectorizer.build_preprocessor()
        self._by_word = vectorizer.analyzer == "char_wb"
        self._known: dict[str, Places] = {}
        self._binary = vectorizer.binary
        weights = getattr(vectorizer, "_tfidf", None)
        self._rarity: Floats | None = None if weights is None else weights.idf_
        self._sublinear = weights is not None and weights.sublinear_tf

    def __call__(self, text: str) -> tuple[Places, Floats]:
        """Return the places of a text's known terms and their values."""
        terms, counts = np.unique(self._find(text), return_counts=True)
        values = np.ones(len(terms)) if self._binary else counts.astype(np.float64)
        if self._rarity is None or not len(terms):
            return terms, values
        if self._sublinear:
            values = np.log(values) + 1.0
        values *= self._rarity[terms]
        return terms, values / np.sqrt(values @ values)

    def _find(self, text: str) -> Places:
        """Return the places of a text's known terms, as often as they are there.

        Pieces of words do not reach beyond a word: those of frequent words are looked up once.
        """
        if not self._by_word:
            return self._look_up(text)
        found = [self._of_word(word) for word in self._prepare(text).split()]
        return np.concatenate(found) if found else np.empty(0, np.intp)

    def _of_word(self, word: str) -> Places:
        places = self._known.get(word)
        if places is None:
            places = self._look_up(word)
            if len(word) <= LONGEST_KEPT:
                if len(self._known) >= MOST_KEPT:
                    self._known.clear()
                self._known[word] = places
        return places

    def _look_up(self, text: str) -> Places:
        found = map(self._place, self._analyse(text))
        return np.array([place for place in found if place is not None], np.intp)


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
    if hasattr(model, "coefs_"):  # a network: its first layer is linear in the terms
        return model.coefs_[0], model.intercepts_[0], lambda sums: _beyond_first_layer(model, sums)
    if hasattr(model, "eta0"):  # learnt by stochastic gradient descent: each class against the rest
        return model.coef_.T, model.intercept_, _each_against_the_rest
    if hasattr(model, "coef_") and hasattr(model, "predict_proba"):
        return model.coef_.T, model.intercept_, _logistic
    raise TypeError(f"{type(model).__name__} is not a model for texts.")


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


def _each_against_the_rest(sums: Floats) -> Floats:
    return _shares(_sigmoid(sums))


def _beyond_first_layer(model: Any, sums: Floats) -> Floats:
    hidden = np.maximum(sums, 0.0)
    return _logistic(hidden @ model.coefs_[1] + model.intercepts_[1])


def _calibrated(sums: Floats, slopes: Floats, shifts: Floats) -> Floats:
    return _shares(_sigmoid(-(slopes * sums + shifts)))


def _shares(each: Floats) -> Floats:
    """Return probabilities of classes from those of each against the rest; two classes have one."""
    if each.shape[1] == 1:
        return np.hstack([1 - each, each])
    total = each.sum(axis=1, keepdims=True)
    return np.asarray(np.divide(each, total, out=np.full_like(each, 1 / each.shape[1]), where=total > 0))

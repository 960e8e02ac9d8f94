"""Texts in a table, as a few numbers: which words they have, weighed by tf-idf and reduced (LSA).

Latent semantic analysis (Deerwester et al. 1990) keeps of a text's weighed words the directions in which the
texts differ most. Trees compare those numbers with thresholds, so the compiled model must compute the very
same ones, to the last bit: weights and directions are whole numbers, whose sums 32-bit floats hold exactly,
and one division, which IEEE 754 defines exactly, makes a text's length count for nothing.
"""

import re
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, diags
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.decomposition import TruncatedSVD
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import normalize

from data_processor.tasks.texts.letters import PlainLower
from data_processor.tasks.texts.terms import CountedTerms

WORDS = r"(?u)\w+"
"""Words of any script; `column_conversion.py` says the same in ONNX's words."""
MOST_TERMS = 2_000
"""The most frequent words of a column: the size and the speed of a model follow from it."""
FEWEST_TEXTS = 2
"""A word that fewer texts have tells nothing of others."""
COMPONENTS = 16
"""Numbers that a text becomes."""
MOST_COMPONENTS = 64
"""Numbers that all texts of a row become together."""
LARGEST = 4095
"""Of the whole numbers: `MOST_TERMS` of them stay below 2^24, up to which 32-bit floats are exact."""
WEIGHT_STEPS = 256
"""Steps of a word's weight, which is below 16 for fewer than three million texts."""

_WORD = re.compile(WORDS)


def has_words(texts: Iterable[str]) -> bool:
    """Say whether any of some texts has a word."""
    return any(_WORD.search(text) for text in texts)


def make_words(columns: int) -> Pipeline:
    """Return the unfitted steps from one column of texts, of so many, to numbers."""
    terms = CountedTerms(
        token_pattern=WORDS,
        preprocessor=PlainLower(),
        binary=True,
        max_features=MOST_TERMS,
        dtype=np.float32,
    )
    return Pipeline(
        [
            ("terms", terms),
            ("reduced", ReducedTerms(max(1, min(COMPONENTS, MOST_COMPONENTS // columns)))),
        ]
    )


class ReducedTerms(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Which terms texts have, weighed by tf-idf and reduced to a few components."""

    projection_: NDArray[np.float32]
    """Whole numbers, shape (terms, components + 1): each term's part in each component, and its weight."""

    def __init__(self, components: int = COMPONENTS) -> None:
        """Reduce to at most so many components."""
        self.components = components

    def fit(self, X: csr_matrix, y: Any = None) -> "ReducedTerms":  # noqa: N803  # scikit-learn's name
        """Learn weights and directions from 0s and 1s, shape (texts, terms)."""
        del y
        texts = X.shape[0]
        with_term = np.asarray(X.sum(axis=0), np.float64).ravel()
        known = with_term >= FEWEST_TEXTS
        weights = np.where(known, np.log((1 + texts) / (1 + with_term)) + 1, 0.0)
        size = min(self.components, int(known.sum()), texts)
        self.projection_ = np.zeros((X.shape[1], max(1, size) + 1), np.float32)
        if size:
            weighed = normalize(X.astype(np.float64) @ diags(weights), norm="l1")
            directions = TruncatedSVD(size, random_state=0).fit(weighed[:, known]).components_.T
            parts = weights[known, None] * directions
            largest = np.abs(parts).max(axis=0)
            scaled = np.divide(parts * LARGEST, largest, out=np.zeros_like(parts), where=largest > 0)
            self.projection_[known, :-1] = np.rint(scaled)
            self.projection_[:, -1] = np.minimum(np.rint(weights * WEIGHT_STEPS), LARGEST)
        self.n_features_in_ = X.shape[1]
        return self

    def transform(self, X: csr_matrix) -> NDArray[np.float32]:  # noqa: N803  # as above
        """Return the components of texts, shape (texts, components), 32-bit floats."""
        sums = np.asarray(X.astype(np.float32) @ self.projection_, np.float32)
        return np.asarray(sums[:, :-1] / np.maximum(sums[:, -1:], np.float32(1)), np.float32)

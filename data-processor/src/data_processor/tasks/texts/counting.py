"""The terms of many texts, counted once for all the fits of a search.

Finding and counting terms takes nearly all the time of a fit on texts. It does not depend on which of them a
fit sees; what does, which terms are frequent enough and how much each weighs, follows from the counts alone.
"""

import time
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.base import clone
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer, TfidfVectorizer

from data_processor.tasks.candidates import TooFewRowsError

Places = NDArray[np.int64]


class Counted:
    """Texts as the counts of all their terms."""

    def __init__(self, vectorizer: CountVectorizer, texts: Sequence[str]) -> None:
        """Count what a vectorizer finds, however rare or frequent; raises `TooFewRowsError` for no term."""
        began = time.monotonic()
        every = clone(vectorizer).set_params(min_df=1, max_df=1.0, max_features=None, binary=False)
        try:
            self.counts: csr_matrix = CountVectorizer.fit_transform(every, texts).astype(np.float64)
        except ValueError as error:
            raise no_terms() from error
        self.seconds_per_text = (time.monotonic() - began) / len(texts)

    def features(self, vectorizer: CountVectorizer, fitted: Places) -> csr_matrix:
        """Return what the vectorizer, fitted to some of the texts, makes of all: (texts, terms).

        Raises `TooFewRowsError` if no term is frequent and rare enough.
        """
        counts = self.counts
        if vectorizer.binary:
            counts = counts.copy()
            counts.data.fill(1)
        counts = counts[:, _kept(vectorizer, counts[fitted])]
        if not isinstance(vectorizer, TfidfVectorizer):
            return counts
        weights = TfidfTransformer(sublinear_tf=vectorizer.sublinear_tf)
        weights.fit(counts[fitted])
        weighed: csr_matrix = weights.transform(counts)
        return weighed


def no_terms() -> TooFewRowsError:
    """Return what is wrong with texts that have no term to learn from."""
    return TooFewRowsError(
        "No term of the texts is frequent enough (min_df) and rare enough (max_df) to learn from."
    )


def _kept(vectorizer: CountVectorizer, seen: csr_matrix) -> Places:
    """Return which terms the vectorizer would keep of those in the texts it is fitted to."""
    texts_with = np.bincount(seen.indices, minlength=seen.shape[1])
    most = vectorizer.max_df * seen.shape[0]
    kept = np.flatnonzero((texts_with >= vectorizer.min_df) & (texts_with <= most))
    if not len(kept):
        raise no_terms()
    if len(kept) > vectorizer.max_features:
        times = np.asarray(seen.sum(axis=0)).ravel()[kept]
        kept = np.sort(kept[np.argsort(-times)[: vectorizer.max_features]])
    return kept

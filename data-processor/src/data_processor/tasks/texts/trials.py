"""Candidates for texts, fitted to the folds of a search and asked about the rest."""

import os
import socket
from time import monotonic

import numpy as np
from cachetools import LRUCache
from sklearn.feature_extraction.text import CountVectorizer
from threadpoolctl import ThreadpoolController

from data_processor.features.schema import Schema
from data_processor.tasks.candidates import Candidate, TooFewRowsError, Vectorizer
from data_processor.tasks.space import Fitted
from data_processor.tasks.texts.counting import Counted
from data_processor.tasks.texts.families import make_estimator
from data_processor.tasks.texts.fitting import calibration_folds
from data_processor.tasks.texts.folds import Material
from data_processor.tasks.texts.vectorizers import make_vectorizer, words_of

COUNTED = 12
"""Ways of counting that are kept."""
_SHAPING = ("ngrams", "lowercase", "stop_words", "lemmas")
"""What decides which terms there are; all else can be changed afterwards."""


class TextTrials:
    """Fits candidates to texts whose terms are counted once for all fits. It is used by one thread."""

    def __init__(self, material: Material, schema: Schema, seed: int) -> None:
        """Fit on the rows of a search."""
        self._material, self._schema, self._seed = material, schema, seed
        self._texts: list[str] = material.rows.frame[schema.strings[0].name].tolist()
        self._words = words_of(self._texts)
        self._counted: LRUCache[str, Counted] = LRUCache(COUNTED)
        self._threads = ThreadpoolController()

    def fit(self, candidate: Candidate, fold: int) -> Fitted:
        """Fit a candidate and let it answer the fold of this number."""
        where = f"{socket.gethostname()}:{os.getpid()}"
        try:
            with self._threads.limit(limits=1):  # nothing here is large enough for threads to pay off
                return self._fit(candidate, fold, where)
        except TooFewRowsError as error:
            return Fitted(None, str(error), 0.0, 0.0, 0, where)

    def _fit(self, candidate: Candidate, fold: int, where: str) -> Fitted:
        chosen = vectorizer_of(candidate)
        vectorizer = make_vectorizer(chosen, self._words)
        counted = self._count(chosen, vectorizer)
        fitted, weights, asked = self._material.part(fold, candidate.recent_share)
        began = monotonic()
        features = counted.features(vectorizer, fitted)
        target = self._material.rows.target[fitted]
        groups = self._material.rows.ties.groups
        folds = calibration_folds(target, self._schema, None if groups is None else groups[fitted])
        model = make_estimator(candidate, self._seed, folds)
        model.fit(features[fitted], target, sample_weight=weights)
        outputs = np.asarray(model.predict_proba(features[asked]), np.float64)
        return Fitted(
            outputs,
            "",
            monotonic() - began,
            ms_per_row=1000 * counted.seconds_per_text,
            bytes=8 * features.shape[1] * (len(self._schema.classes) + 1),
            where=where,
            shared_seconds=counted.seconds_per_text * len(fitted),
        )

    def _count(self, chosen: Vectorizer, vectorizer: CountVectorizer) -> Counted:
        shape = chosen.name == "character-tf-idf", *(chosen.params.get(name) for name in _SHAPING)
        key = repr(shape)
        if key not in self._counted:
            self._counted[key] = Counted(vectorizer, self._texts)
        return self._counted[key]


def vectorizer_of(candidate: Candidate) -> Vectorizer:
    """Return the vectorizer that every candidate for texts has."""
    if candidate.vectorizer is None:
        raise AssertionError("Every candidate for texts has a vectorizer.")
    return candidate.vectorizer

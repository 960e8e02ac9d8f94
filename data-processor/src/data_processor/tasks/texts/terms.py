"""Scikit-learn's vectorizers, with their terms as one text in model files.

skops writes an entry of a dictionary at a time: 30 000 terms are half a minute to write and ten seconds to
read, as one text a few milliseconds. No term holds a line break, which is not a letter, and which
`char_wb` reads as a blank.
"""

from typing import Any

from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer

_TERMS = "terms"


class _Compact:
    """Writes and reads the terms of a fitted vectorizer as one text."""

    vocabulary_: dict[str, int]

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = dict(super().__getstate__())  # type: ignore[call-overload]  # it is a dictionary
        if (vocabulary := state.pop("vocabulary_", None)) is not None:
            state[_TERMS] = "\n".join(sorted(vocabulary, key=vocabulary.__getitem__))
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        state = dict(state)
        terms = state.pop(_TERMS, None)
        super().__setstate__(state)  # type: ignore[misc]  # every estimator has one
        if terms is not None:
            self.vocabulary_ = {term: place for place, term in enumerate(terms.split("\n"))}


class CountedTerms(_Compact, CountVectorizer):  # type: ignore[misc]  # scikit-learn ships no types
    """How often a text has each term."""


class WeightedTerms(_Compact, TfidfVectorizer):  # type: ignore[misc]  # likewise
    """How often a text has each term; those that few texts have weigh more."""

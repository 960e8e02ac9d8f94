"""From a declared vectorizer to scikit-learn's, in the forms that model files and ONNX can hold."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS, CountVectorizer

from data_processor.tasks.candidates import Vectorizer
from data_processor.tasks.texts.declared import NONE
from data_processor.tasks.texts.lemmas import LemmaTokenizer
from data_processor.tasks.texts.letters import PlainLower
from data_processor.tasks.texts.terms import CountedTerms, WeightedTerms

MOST_TERMS = 50_000
"""A model for texts has at most so many terms, the most frequent: it must not grow with the table."""
PLAIN_WORDS = "[a-zA-Z0-9_]+"
"""Words of texts in plain Latin letters: ONNX finds the same ones."""
ANY_WORDS = r"(?u)\b\w+\b"
"""Words of any script."""
FOREIGN_SHARE = 0.02
"""So many texts may have a letter beyond a to z before their words are found as those of any script."""
_FOREIGN_LETTER = re.compile(r"[^\W\d_a-zA-Z]")


def words_of(texts: Sequence[str]) -> str:
    """Return the regular expression that finds the words of these texts."""
    foreign = sum(_FOREIGN_LETTER.search(text) is not None for text in texts)
    return ANY_WORDS if foreign > FOREIGN_SHARE * len(texts) else PLAIN_WORDS


def make_vectorizer(chosen: Vectorizer, words: str) -> CountVectorizer:
    """Return the unfitted vectorizer of a choice; `words` is the regular expression that finds them."""
    params = chosen.params
    first, last = (int(end) for end in str(params["ngrams"]).split("-"))
    shared: dict[str, Any] = {
        "ngram_range": (first, last),
        "min_df": int(params["min_df"]),
        "max_df": float(params["max_df"]),
        "max_features": MOST_TERMS,
        "lowercase": params["lowercase"],
    }
    if chosen.name == "character-tf-idf":
        return WeightedTerms(**shared, analyzer="char_wb", sublinear_tf=params["sublinear"])
    shared |= _words(params, words)
    if chosen.name == "bag-of-words":
        return CountedTerms(**shared, binary=params["binary"], dtype=np.float64)
    return WeightedTerms(**shared, sublinear_tf=params["sublinear"])


def _words(params: Mapping[str, Any], words: str) -> dict[str, Any]:
    lemmas, stop_words, lowercase = params["lemmas"], params["stop_words"], params["lowercase"]
    if lemmas == NONE:
        found: dict[str, Any] = {"token_pattern": words}
        found |= {"preprocessor": PlainLower()} if lowercase and words == PLAIN_WORDS else {}
        return found | {"stop_words": None if stop_words == NONE else stop_words}
    left_out = () if stop_words == NONE else tuple(sorted(ENGLISH_STOP_WORDS))
    return {"tokenizer": LemmaTokenizer(lemmas, words, left_out), "token_pattern": None}

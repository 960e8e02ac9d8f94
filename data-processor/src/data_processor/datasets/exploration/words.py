"""The words of texts: taken apart, counted alone and in sequence, and named as parts of speech.

A word is written in lower case, with what an apostrophe joins to it. Sequences do not reach over the end of
a clause, and neither begin nor end with a stop word: "of the" is in any English text. The stop words and the
tagger are English and come with their libraries: nothing is downloaded.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache

CHARACTERS = 5_000
"""Of each text; what is behind them is not read."""
TAGGED_CHARACTERS = 1_000
LONGEST_WORD = 30
"""Characters; longer ones are links, noise or joined by mistake."""
_ENGLISH = 0.15
"""English texts consist of stop words to about 45 %, others have hardly any."""
_ALSO_STOP_WORDS = frozenset(("did", "does", "doing", "just", "like", "http", "https", "www", "com"))
"""What scikit-learn's list leaves to its users."""
_CLAUSE_END = re.compile(r"[!?;:()\[\]\"\u201c\u201d\n\r]+|[.,](?!\d)")
_WORD = re.compile(r"\d+(?:[.,]\d+)+|[^\W_]+(?:'[^\W_]+)*")
_PARTS_OF_SPEECH = {
    "NN": "noun",
    "VB": "verb",
    "MD": "verb",
    "JJ": "adjective",
    "RB": "adverb",
    "WR": "adverb",
    "PR": "pronoun",
    "WP": "pronoun",
    "EX": "pronoun",
    "DT": "determiner",
    "PD": "determiner",
    "WD": "determiner",
    "IN": "preposition",
    "TO": "preposition",
    "RP": "preposition",
    "CC": "conjunction",
    "CD": "number",
    "UH": "interjection",
    "FW": "foreign word",
}
"""By the first two letters of a tag of the Penn Treebank; punctuation has none of them."""

Clauses = list[list[str]]
"""A text: its clauses, and the words of each."""


def clauses(text: str) -> Clauses:
    """Take a text apart."""
    plain = text[:CHARACTERS].replace("\N{RIGHT SINGLE QUOTATION MARK}", "'").lower()
    parts = (_WORD.findall(part) for part in _CLAUSE_END.split(plain))
    return [[word for word in part if len(word) <= LONGEST_WORD] for part in parts if part]


def sequences(text: Clauses, length: int) -> Iterable[str]:
    """Yield the sequences of so many words in a text, stop words at their ends apart."""
    known = stop_words()
    for words in text:
        for place in range(len(words) - length + 1):
            found = words[place : place + length]
            if not (_is_empty(found[0], known) or _is_empty(found[-1], known)):
                yield " ".join(found)


def count(texts: Sequence[Clauses], length: int) -> tuple[Counter[str], Counter[str]]:
    """Return how often each sequence of words is there, and in how many texts."""
    often: Counter[str] = Counter()
    in_texts: Counter[str] = Counter()
    for text in texts:
        found = Counter(sequences(text, length))
        often.update(found)
        in_texts.update(found.keys())
    return often, in_texts


def are_english(texts: Sequence[Clauses]) -> bool:
    """Tell whether texts seem to be English, by the stop words in them."""
    words = [word for text in texts for part in text for word in part]
    return sum(word in stop_words() for word in words) >= _ENGLISH * max(1, len(words))


def parts_of_speech(texts: Iterable[str]) -> dict[str, float]:
    """Return the share of each part of speech among the words of English texts, the most frequent first."""
    from textblob.en import tag  # noqa: PLC0415  # a second, for texts only

    found: Counter[str] = Counter()
    for text in texts:
        for word, name in tag(text[:TAGGED_CHARACTERS]):
            if name[:2] in _PARTS_OF_SPEECH and _WORD.search(word):
                found[_PARTS_OF_SPEECH[name[:2]]] += 1
    total = found.total()
    ranked = sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))
    return {name: times / total for name, times in ranked}


@cache
def stop_words() -> frozenset[str]:
    """Return the words that mean little on their own, in English."""
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS  # noqa: PLC0415  # as above

    return frozenset(ENGLISH_STOP_WORDS) | _ALSO_STOP_WORDS


def _is_empty(word: str, known: frozenset[str]) -> bool:
    """Tell whether a word is a stop word: `it`, `it's` and `don't` are, and so is a single letter."""
    stem = word.partition("'")[0]
    return word in known or stem in known or word.endswith("n't") or (len(stem) == 1 and stem.isascii())

"""From a text to the dictionary forms of its words."""

import re

import simplemma


class LemmaTokenizer:
    """Splits a text into words and returns their lemmas.

    A class with three plain attributes and not a function: a model file can name it, and holds no code.
    """

    def __init__(self, language: str, pattern: str, stop_words: tuple[str, ...] = ()) -> None:
        """Take words as a regular expression finds them; stop words go before anything is looked up."""
        self.language = language
        self.pattern = pattern
        self.stop_words = list(stop_words)

    def __call__(self, text: str) -> list[str]:
        """Return the lemma of each word, in order."""
        left_out = frozenset(self.stop_words)
        return [
            simplemma.lemmatize(word, lang=self.language)
            for word in re.findall(self.pattern, text)
            if word.lower() not in left_out
        ]

"""Where `tasks/texts/lemmas.py` stood: older model files name their types by this path."""

from data_processor.tasks.texts.lemmas import LemmaTokenizer

__all__ = ["LemmaTokenizer"]

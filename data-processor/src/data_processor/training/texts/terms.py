"""Where `tasks/texts/terms.py` stood: older model files name their types by this path."""

from data_processor.tasks.texts.terms import CountedTerms, WeightedTerms

__all__ = ["CountedTerms", "WeightedTerms"]

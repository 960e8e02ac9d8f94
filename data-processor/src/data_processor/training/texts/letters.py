"""Where `tasks/texts/letters.py` stood: older model files name their types by this path."""

from data_processor.tasks.texts.letters import PlainLower

__all__ = ["PlainLower"]

"""What a version's answers and odd inputs are counted as: label values from closed sets, few of each."""

from itertools import pairwise

import numpy as np

from data_processor.features.packing import Numbers
from data_processor.features.schema import Schema
from data_processor.serving.validation import flag_feature, flag_kind

MOST_FEATURES = 50
MOST_CLASSES = 20
PARTS = 10
"""Parts into which the range of a target is divided, to count values by."""
MOST_CONFIDENCES = 64
"""Of each batch: one by one they would cost a large batch more than its inference."""
TWO = 2
"""Classes that a classification has at least; values come alone."""
OTHER = "other"


class Tally:
    """Counts for one version."""

    def __init__(self, schema: Schema) -> None:
        """Count by the classes of a target, or by tenths of its range in training."""
        self._features = frozenset(column.name for column in schema.inputs[:MOST_FEATURES])
        self._edges = np.zeros(0)
        if schema.classes:
            self._names = [*schema.classes[:MOST_CLASSES], OTHER]
            return
        target = next((column for column in schema.columns if column.name == schema.target), None)
        if (
            target is None
            or target.minimum is None
            or target.maximum is None
            or target.minimum == target.maximum
        ):
            self._names = ["any"]
            return
        self._edges = np.linspace(target.minimum, target.maximum, PARTS + 1)
        shown = [f"{edge:.4g}" for edge in self._edges]
        between = [f"{low} to {high}" for low, high in pairwise(shown)]
        self._names = [f"below {shown[0]}", *between, f"above {shown[-1]}"]

    def answers(self, outputs: Numbers) -> list[tuple[str, int]]:
        """Return how many of some answers are of each name; `outputs` is what an engine returned."""
        if outputs.shape[1] >= TWO:
            places = np.minimum(outputs.argmax(axis=1), MOST_CLASSES)
        else:
            places = np.searchsorted(self._edges, outputs[:, 0], side="left")
        counts = np.bincount(places, minlength=1)
        return [(self._names[place], int(counts[place])) for place in counts.nonzero()[0]]

    def confidences(self, outputs: Numbers) -> list[float]:
        """Return the probabilities of the answered classes of the first answers; values have none."""
        if outputs.shape[1] < TWO:
            return []
        found: list[float] = outputs[:MOST_CONFIDENCES].max(axis=1).tolist()
        return found

    def flag(self, flag: str) -> tuple[str, str]:
        """Return the feature that a flag is about, and the kind of it."""
        feature = flag_feature(flag)
        return feature if feature in self._features else OTHER, flag_kind(flag)

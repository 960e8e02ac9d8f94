"""What the tasks have in common that answer with a label: one of their target's classes."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np

from data_processor.features.packing import Numbers
from data_processor.features.schema import Column, Kind, Schema
from data_processor.tasks.task import FeedbackRefusedError, Said, Target

MAX_CLASSES = 1000
DECIMALS = 6
"""Of a probability: what 32 bits can tell apart."""
BINARY = 2


class Labels:
    """A task that answers with a label."""

    def first_policy(self, target: Column) -> dict[str, Any]:
        """Return the fields of a new model's policy that follow from its target: none."""
        del target
        return {}

    def counts_right_answers(self, tolerance: float) -> bool:
        """Say whether an answer is right or wrong: a label always is."""
        del tolerance
        return True

    def understand(
        self, said: Said, output: Mapping[str, Any], *, classes: Sequence[str], tolerance: float
    ) -> Said:
        """Return feedback with what it implies; raises `FeedbackRefusedError`.

        Of two classes, a wrong answer without a label means the other; of more, the truth stays unknown.
        """
        del tolerance
        answer = output.get("label")
        if said.value is not None:
            raise FeedbackRefusedError("value", "is for regression; this model answers with a label")
        if said.label is None:
            others = [label for label in classes if label != answer]
            implied = others[0] if len(classes) == BINARY and len(others) == 1 else None
            return Said(said.correct, answer if said.correct else implied)
        if classes and said.label not in classes:
            raise FeedbackRefusedError(
                "label", f"{said.label!r} is not one of the model's classes, {', '.join(classes)}"
            )
        if said.correct != (said.label == answer):
            contradiction = "cannot be right" if said.correct else "cannot be wrong"
            raise FeedbackRefusedError(
                "label", f"the answer was {answer!r}; if the truth is {said.label!r} it {contradiction}"
            )
        return said


class LabelAnswers(Labels):
    """A task that answers with one of a target's classes, and a probability for each."""

    target_kind: Kind = "categorical"

    def target_problem(self, target: Target) -> str | None:
        """Say what keeps a column from being predicted, if anything does."""
        if target.distinct > MAX_CLASSES:
            return (
                f"The target {target.name!r} has {target.distinct} classes; "
                f"at most {MAX_CLASSES} are possible."
            )
        return None

    def answers(self, outputs: Numbers, schema: Schema) -> list[bytes]:
        """Return the JSON of each answer: the label and the probabilities of all of them."""
        classes = schema.classes
        encode = msgspec.json.encode
        labels = outputs.argmax(axis=1).tolist()
        probabilities = outputs.astype(np.float64).round(DECIMALS).tolist()
        return [
            encode({"label": classes[label], "probabilities": dict(zip(classes, row, strict=True))})
            for label, row in zip(labels, probabilities, strict=True)
        ]

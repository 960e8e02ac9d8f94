"""What the tasks have in common that answer with a value: a number."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from data_processor.features.packing import Numbers
from data_processor.features.schema import Column, Kind, Schema
from data_processor.statistics.score import within
from data_processor.tasks.task import FeedbackRefusedError, Said, Target

DIGITS = 8
"""Of how far a value is from the target's median: what 32 bits can tell apart."""
MOST_DIGITS = 15
"""What 64 bits can tell apart."""
TOLERANCE_PARTS = 20
"""A value that is off by no more than this part of the target's range counts as right at first."""


class ValueAnswers:
    """A task that answers with a number, which is right within a tolerance."""

    target_kind: Kind = "numeric"

    def target_problem(self, target: Target) -> str | None:
        """Say what keeps a column from being predicted, if anything does."""
        if not target.numeric:
            return f"The target {target.name!r} holds texts; a regression needs numbers."
        return None

    def first_policy(self, target: Column) -> dict[str, Any]:
        """Return the fields of a new model's policy that follow from its target.

        Without a tolerance every answer would be wrong, so there is one until a person says better.
        """
        if target.minimum is None or target.maximum is None:
            return {}
        return {"tolerance": float(f"{(target.maximum - target.minimum) / TOLERANCE_PARTS:.2g}")}

    def counts_right_answers(self, tolerance: float) -> bool:
        """Say whether an answer is right or wrong: without a tolerance it is only nearer or farther."""
        return tolerance > 0

    def understand(
        self, said: Said, output: Mapping[str, Any], *, classes: Sequence[str], tolerance: float
    ) -> Said:
        """Return feedback with what it implies; raises `FeedbackRefusedError`.

        A value within the tolerance counts as right, whatever the person thinks of it.
        """
        del classes
        answer = float(output["value"])
        if said.label is not None:
            raise FeedbackRefusedError("label", "is for classification; this model answers with a value")
        if said.value is None:
            if not said.correct:
                raise FeedbackRefusedError(
                    "value", "is needed when the answer was wrong: what is the true value?"
                )
            return Said(correct=True, value=answer)
        right = within(answer, said.value, tolerance)
        if said.correct and not right:
            raise FeedbackRefusedError(
                "value",
                f"the answer was {answer:.{MOST_DIGITS}g}; if the truth is "
                f"{said.value:.{MOST_DIGITS}g} it is off by more than {tolerance:g}",
            )
        return Said(right, value=said.value)

    def answers(self, outputs: Numbers, schema: Schema) -> list[bytes]:
        """Return the JSON of each answer: the value."""
        target = next((column for column in schema.columns if column.name == schema.target), None)
        middle = target.default_value if target is not None else None
        near = middle if isinstance(middle, float) else 0.0
        encode = msgspec.json.encode
        return [encode({"value": _rounded(value, near)}) for value in outputs[:, 0].tolist()]


def _rounded(value: float, middle: float) -> float:
    """Return a value without what 32 bits cannot tell apart: of 2000000012.3 more digits than of 12.3."""
    distance = abs(value - middle)
    more = math.ceil(math.log10(abs(value) / distance)) if 0 < distance < abs(value) else 0
    return float(f"{value:.{min(DIGITS + more, MOST_DIGITS)}g}")

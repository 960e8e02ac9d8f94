"""What a person's words say of an answer: whether it was right and, as far as that is known, what is true."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from data_processor.service.errors import Invalid
from data_processor.statistics.score import within

REGRESSION = "tabular-regression"
BINARY = 2


@dataclass(frozen=True, slots=True)
class Said:
    """A person's words: whether the answer was right, and what the truth is."""

    correct: bool
    label: str | None = None
    value: float | None = None


def understand(
    said: Said, output: Mapping[str, Any], *, task: str, classes: Sequence[str], tolerance: float
) -> Said:
    """Return what was said with what it implies; raises `Invalid` where it contradicts itself or the model.

    Of two classes, a wrong answer without a label means the other; of more, the truth stays unknown. A value
    within the tolerance counts as right, whatever the person thinks of it.
    """
    if task == REGRESSION:
        return _understand_value(said, float(output["value"]), tolerance)
    if said.value is not None:
        raise _refused("value", "is for regression; this model answers with a label")
    return _understand_label(said, output.get("label"), classes)


def _understand_label(said: Said, answer: str | None, classes: Sequence[str]) -> Said:
    if said.label is None:
        others = [label for label in classes if label != answer]
        implied = others[0] if len(classes) == BINARY and len(others) == 1 else None
        return Said(said.correct, answer if said.correct else implied)
    if classes and said.label not in classes:
        raise _refused("label", f"{said.label!r} is not one of the model's classes, {', '.join(classes)}")
    if said.correct != (said.label == answer):
        contradiction = "cannot be right" if said.correct else "cannot be wrong"
        raise _refused(
            "label", f"the answer was {answer!r}; if the truth is {said.label!r} it {contradiction}"
        )
    return said


def _understand_value(said: Said, answer: float, tolerance: float) -> Said:
    if said.label is not None:
        raise _refused("label", "is for classification; this model answers with a value")
    if said.value is None:
        if not said.correct:
            raise _refused("value", "is needed when the answer was wrong: what is the true value?")
        return Said(correct=True, value=answer)
    right = within(answer, said.value, tolerance)
    if said.correct and not right:
        raise _refused(
            "value",
            f"the answer was {answer:g}; if the truth is {said.value:g} it is off by more than {tolerance:g}",
        )
    return Said(right, value=said.value)


def _refused(field: str, message: str) -> Invalid:
    return Invalid("The feedback was not taken.", errors=[{"loc": ["body", field], "message": message}])

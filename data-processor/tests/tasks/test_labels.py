import pytest

from data_processor.tasks.labels import LabelAnswers
from data_processor.tasks.task import FeedbackRefusedError, Said

BINARY = ("no", "yes")
THREE = ("a", "b", "c")


def label(said: Said, answer: str | None, classes: tuple[str, ...] = BINARY) -> Said:
    return LabelAnswers().understand(said, {"label": answer}, classes=classes, tolerance=0.0)


def test_a_right_answer_is_the_true_label() -> None:
    assert label(Said(correct=True), "no") == Said(correct=True, label="no")
    assert label(Said(correct=True, label="no"), "no") == Said(correct=True, label="no")


def test_of_two_classes_a_wrong_answer_means_the_other() -> None:
    assert label(Said(correct=False), "no") == Said(correct=False, label="yes")
    assert label(Said(correct=False, label="yes"), "no") == Said(correct=False, label="yes")


def test_of_more_classes_a_wrong_answer_without_a_label_leaves_the_truth_unknown() -> None:
    assert label(Said(correct=False), "a", THREE) == Said(correct=False, label=None)
    assert label(Said(correct=False, label="c"), "a", THREE) == Said(correct=False, label="c")


def test_a_label_outside_the_classes_is_refused() -> None:
    with pytest.raises(FeedbackRefusedError) as error:
        label(Said(correct=False, label="maybe"), "no")
    assert error.value.field == "label"
    assert str(error.value) == "'maybe' is not one of the model's classes, no, yes"


@pytest.mark.parametrize("said", [Said(correct=True, label="yes"), Said(correct=False, label="no")])
def test_a_label_that_contradicts_what_was_said_is_refused(said: Said) -> None:
    with pytest.raises(FeedbackRefusedError) as error:
        label(said, "no")
    assert error.value.field == "label"


def test_a_value_for_a_classification_is_refused() -> None:
    with pytest.raises(FeedbackRefusedError) as error:
        label(Said(correct=True, value=1.0), "no")
    assert error.value.field == "value"

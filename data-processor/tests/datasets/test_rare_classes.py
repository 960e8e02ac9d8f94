import pytest

from data_processor.datasets.rare_classes import rare_problem
from data_processor.features.preparation import DatasetPreparation

COUNTS = {"a": 60, "b": 60, "c": 1, "d": 9}


def problem(counts: dict[str, int], action: str = "refuse", into: str = "other") -> tuple[str, str] | None:
    said = {"rare_classes": {"action": action, "into": into}}
    return rare_problem(counts, DatasetPreparation.model_validate(said))


def test_classes_with_too_few_rows_are_refused_with_what_can_be_done() -> None:
    found = problem(COUNTS)
    assert found is not None
    assert found[0] == (
        "Classes 'c' has 1 row, 'd' has 9 rows, too few to be learnt: training needs 10 of each class. "
        "Leave them out (leave_out), merge them into one class (merge), or add rows."
    )
    assert found[1] == "action"


@pytest.mark.parametrize(
    ("counts", "action", "into"),
    [
        ({"a": 60, "b": 60}, "refuse", "other"),
        ({"a": 60, "b": 10}, "refuse", "other"),
        ({"a": 3, "b": 2}, "refuse", "other"),
        (COUNTS, "leave_out", "other"),
        (COUNTS, "merge", "other"),
        ({"a": 60, "b": 60, "c": 1}, "merge", "b"),
    ],
)
def test_what_can_be_learnt_is_no_problem(counts: dict[str, int], action: str, into: str) -> None:
    assert problem(counts, action, into) is None


@pytest.mark.parametrize(
    ("counts", "action", "into", "field"),
    [
        ({"a": 60, "b": 60, "c": 1}, "merge", "other", "into"),
        ({"a": 110, "b": 9}, "leave_out", "other", "action"),
        ({"a": 110, "b": 9}, "merge", "a", "action"),
    ],
)
def test_a_remedy_that_does_not_help_is_refused(
    counts: dict[str, int], action: str, into: str, field: str
) -> None:
    found = problem(counts, action, into)
    assert found is not None
    assert found[1] == field

from typing import Any

import pytest

from canned_training import DIFFERENCE, EVALUATION
from streamlit_ui.differences import between_files, between_versions

SPACE = "\N{NARROW NO-BREAK SPACE}"


def test_a_files_difference_is_told_in_sentences() -> None:
    found: Any = DIFFERENCE
    assert [line.replace(SPACE, " ") for line in between_files(found)] == [
        "200 more rows: 1 000 before, 1 200 now.",
        "Added: “height”.",
        "workclass: missing values 2.0 % before, 10.0 % now.",
        "workclass: new values “Never-worked”.",
        "workclass: “Private” 70.0 % before, 60.0 % now.",
        "age: largest value 90 before, 99 now.",
    ]


def test_files_of_the_same_shape_have_nothing_to_tell() -> None:
    same: Any = {"version": 1, "rows": {"before": 5, "after": 5}, "changed": []}
    assert between_files(same) == []


def test_a_kind_that_changed_is_named_as_people_read_it() -> None:
    kinds: Any = {"changed": [{"column": "a", "kind": {"before": "numeric", "after": "text"}}]}
    assert between_files(kinds) == ["a: number before, free text now."]


def test_many_values_are_not_all_listed() -> None:
    many: Any = {"changed": [{"column": "a", "lost_values": [str(n) for n in range(30)]}]}
    assert between_files(many)[0].endswith("“7” and 22 more.")


def difference(**changes: Any) -> Any:
    return {**EVALUATION["differences"][0], **changes}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "is worse."),
        ({"difference": 0.021, "low": 0.012, "high": 0.03}, "is better."),
        ({"metric": "log_loss"}, "is better."),
        ({"low": -0.03, "high": 0.01}, "cannot tell the two apart."),
        ({"low": None, "high": None}, "too few rows for a confidence interval."),
    ],
)
def test_a_versions_difference_says_whether_it_is_real(changes: dict[str, Any], said: str) -> None:
    assert between_versions(difference(**changes), {"log_loss"}).endswith(said)


def test_the_interval_is_shown_with_its_signs() -> None:
    said = between_versions(difference(), ())
    assert said.startswith("ROC AUC: version 1 is 0.021 lower than version 2 (95 % interval")
    assert "\N{MINUS SIGN}0.03 to \N{MINUS SIGN}0.012" in said


def test_equal_versions_are_equal() -> None:
    assert "are equal" in between_versions(difference(difference=0, low=0.0, high=0.0), ())

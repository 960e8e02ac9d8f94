from typing import Any

import pytest

from canned_live import live
from streamlit_ui import live_words

CALLED = {"learning_rate": "Learning rate", "alpha": "Regularisation"}


@pytest.mark.parametrize(
    ("given", "written"),
    [
        (0.01, "0.01"),
        (0.000001, "1e-6"),
        (10.0, "10"),
        (256, "256"),
        (None, "none"),
        ("balanced", "balanced"),
    ],
)
def test_the_value_of_a_hyperparameter_is_written_as_people_set_it(given: Any, written: str) -> None:
    assert live_words.value(given) == written


def test_a_change_says_who_when_where_and_what() -> None:
    one: Any = {
        "number": 2,
        "seq": 40,
        "at": "2026-11-30T12:03:00Z",
        "subject": "erin",
        "epoch": 12,
        "row": 512,
        "changes": {"learning_rate": {"from": 0.1, "to": 0.01}, "alpha": {"from": 0, "to": 1}},
    }
    assert live_words.change(one, CALLED) == [
        "Change 2 by erin, 30 Nov 2026, 12:03 UTC, after epoch 12, 512 rows into the next",
        "Learning rate 0.1 → 0.01",
        "Regularisation 0 → 1",
    ]


@pytest.mark.parametrize(
    ("kind", "changes", "said"),
    [
        ("hyperparameters", {"learning_rate": 0.5}, "Learning rate 0.5, asked for by uma"),
        ("step", {"epochs": 3}, "Step of 3 epochs, asked for by uma"),
        ("pause", {}, "Pause, asked for by uma"),
        ("dance", {}, "Dance, asked for by uma"),
    ],
)
def test_what_was_asked_for_names_who_asked(kind: str, changes: dict[str, Any], said: str) -> None:
    one: Any = {"kind": kind, "subject": "uma", "at": "2026-11-30T12:00:00Z", "changes": changes}
    assert live_words.pending(one, CALLED) == said


@pytest.mark.parametrize(
    ("changes", "label"),
    [
        ({}, "Learning"),
        ({"state": "ended", "status": "succeeded"}, "Ended"),
        ({"state": "ended", "status": "failed"}, "Failed"),
        ({"state": "ended", "status": "cancelled"}, "Cancelled"),
        ({"state": "paused", "diverged": {"epoch": 1, "reason": "", "fork": {}}}, "Diverged"),
        ({"state": "dreaming"}, "Dreaming"),
    ],
)
def test_a_state_is_a_word(changes: dict[str, Any], label: str) -> None:
    one: Any = live("live-1", **changes)
    assert live_words.state(one).label == label


def test_only_values_that_are_not_in_force_are_different() -> None:
    entered = {"learning_rate": 0.1, "alpha": 0.5, "fixed": 2}
    in_force = {"learning_rate": 0.1, "alpha": 0, "fixed": 1}
    assert live_words.different(entered, in_force, ["learning_rate", "alpha"]) == {"alpha": 0.5}

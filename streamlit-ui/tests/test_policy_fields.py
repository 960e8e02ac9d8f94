from typing import Any

import canned
import canned_training
from streamlit_ui.contract.types import Policy
from streamlit_ui.policy_fields import GROUPS, changed, fields_for

FIELDS = [field for group in GROUPS.values() for field in group]


def test_every_number_of_a_policy_can_be_set_but_when_the_watch_evaluates() -> None:
    assert {field.name for field in FIELDS} == set(Policy.__annotations__) - {"watch_looks", "preparation"}
    assert len({field.name for field in FIELDS}) == len(FIELDS)


def test_every_default_is_within_its_range() -> None:
    for field in FIELDS:
        value = canned.POLICY[field.name]
        if field.kind == "choice":
            assert value in field.choices or (value is None and field.optional)
        elif field.kind != "switch" and value is not None:
            assert field.minimum <= value <= (field.maximum if field.maximum is not None else value)


def test_only_changes_are_kept() -> None:
    assert changed(canned.POLICY, {**canned.POLICY}) == {}
    assert changed(canned.POLICY, {"threshold": 0.9, "window": 200}) == {"threshold": 0.9}
    assert changed({"max_reference_loss": 0.1}, {"max_reference_loss": None}) == {"max_reference_loss": None}


def named(task: Any) -> dict[str, tuple[str, ...]]:
    found = fields_for(task, {**canned.POLICY, "selection_metric": "f1"})
    return {field.name: field.choices for group in found.values() for field in group}


def test_a_task_decides_on_its_metrics_and_on_what_its_answers_need() -> None:
    classes, numbers, *_ = canned_training.TASKS
    assert named(classes)["selection_metric"] == tuple(classes["metrics"])
    assert "max_recall_loss" in named(classes)
    assert "tolerance" not in named(classes)
    assert "tolerance" in named(numbers)
    assert "max_recall_loss" not in named(numbers)


def test_of_a_task_that_is_not_known_everything_can_be_set_but_another_metric() -> None:
    assert set(named(None)) == {field.name for field in FIELDS}
    assert named(None)["selection_metric"] == ("f1",)


def test_a_number_that_a_policy_does_not_have_is_not_asked_for() -> None:
    assert list(fields_for(None, {"threshold": 0.8})) == ["Score"]

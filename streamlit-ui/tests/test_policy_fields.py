import canned
from streamlit_ui.contract.types import Policy
from streamlit_ui.policy_fields import GROUPS, changed

FIELDS = [field for group in GROUPS.values() for field in group]


def test_every_number_of_a_policy_can_be_set_but_when_the_watch_evaluates() -> None:
    assert {field.name for field in FIELDS} == set(Policy.__annotations__) - {"watch_looks", "preparation"}
    assert len({field.name for field in FIELDS}) == len(FIELDS)


def test_every_default_is_within_its_range() -> None:
    for field in FIELDS:
        value = canned.POLICY[field.name]
        if field.kind == "choice":
            assert value in field.choices
        elif field.kind != "switch" and value is not None:
            assert field.minimum <= value <= (field.maximum if field.maximum is not None else value)


def test_only_changes_are_kept() -> None:
    assert changed(canned.POLICY, {**canned.POLICY}) == {}
    assert changed(canned.POLICY, {"threshold": 0.9, "window": 200}) == {"threshold": 0.9}
    assert changed({"max_reference_loss": 0.1}, {"max_reference_loss": None}) == {"max_reference_loss": None}

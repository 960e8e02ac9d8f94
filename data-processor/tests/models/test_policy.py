import pytest
import structlog.testing

from data_processor.models import policy as policies
from data_processor.models.policy import Policy
from data_processor.models.policy_change import changed


def test_a_policy_under_former_names_is_still_read() -> None:
    policy = Policy.model_validate({"few_voices": 7, "max_person_share": 0.3})
    assert (policy.min_raters, policy.max_rater_share) == (7, 0.3)
    assert "few_voices" not in policy.model_dump()


def test_a_change_under_a_former_name_wins_over_what_was_kept_under_the_new_one() -> None:
    policy = changed({"min_raters": 5}, {"few_voices": 9}, "tabular-classification")
    assert policy.min_raters == 9


def test_a_former_name_is_reported_once() -> None:
    policies._report_former_name.cache_clear()
    with structlog.testing.capture_logs() as logs:
        for _ in range(3):
            Policy.model_validate({"few_voices": 7})
    assert [entry["former"] for entry in logs] == ["few_voices"]


@pytest.mark.parametrize("name", ["min_raters", "max_rater_share"])
def test_a_field_given_under_both_names_keeps_the_present_one(name: str) -> None:
    former = {new: old for old, new in policies.FORMER_NAMES.items()}[name]
    assert getattr(Policy.model_validate({name: 1, former: 0.5}), name) == 1

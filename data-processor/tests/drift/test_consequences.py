from typing import Any

import pytest

from data_processor.drift.consequences import Consequence, conclude
from data_processor.feedback.controller import Facts
from data_processor.models.policy import Policy
from data_processor.statistics.score import Score, Share

RUN = Policy(drift_run=True)


def facts(**fields: Any) -> Facts:
    nothing = Share(0, 0)
    score = Score(deciding=nothing, asked=None, volunteered=nothing, by_asked=False, raters=0, remark="")
    usual: dict[str, Any] = {
        "version": "4",
        "score": score,
        "was_degraded": False,
        "open_run": None,
        "idle_s": None,
        "new_labels": 25,
        "hold": None,
        "circuit_breaker": None,
        "predecessor": None,
        "enabled": True,
    }
    return Facts(**{**usual, **fields})


def test_no_drift_has_no_consequence() -> None:
    assert conclude([], [], facts(), RUN) == Consequence((), open_run=False, reason="")


def test_new_drift_is_news_and_opens_a_run_if_the_policy_says_so() -> None:
    found = conclude(["age", "job"], [], facts(), RUN)
    assert (found.news, found.open_run) == (("age", "job"), True)


def test_by_default_it_is_only_news() -> None:
    found = conclude(["age"], [], facts(), Policy())
    assert (found.news, found.open_run) == (("age",), False)


@pytest.mark.parametrize("drifted", [["age"], ["age", "job"], ["job"]])
def test_drift_that_was_told_of_is_no_news_and_opens_nothing(drifted: list[str]) -> None:
    found = conclude(drifted, {"age", "job", "hours"}, facts(), RUN)
    assert (found.news, found.open_run) == ((), False)


def test_one_more_feature_is_news() -> None:
    assert conclude(["age", "job"], {"age"}, facts(), RUN).news == ("job",)


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"enabled": False}, "does not open runs"),
        ({"open_run": "abc"}, "run abc is open"),
        ({"circuit_breaker": "It is open."}, "circuit breaker"),
        ({"idle_s": 3500.5}, "100 s to go"),
        ({"new_labels": 24}, "only 24 of the 25 labelled rows"),
    ],
)
def test_a_run_needs_what_a_run_for_a_fallen_score_needs(fields: dict[str, Any], why: str) -> None:
    found = conclude(["age"], [], facts(**fields), RUN)
    assert (found.news, found.open_run) == (("age",), False)
    assert why in found.reason


def test_under_drift_that_never_ends_there_are_no_more_runs_than_features() -> None:
    told: set[str] = set()
    opened = 0
    for report in range(1_000):
        found = conclude([f"f{report % 7}", f"f{report % 3}"], told, facts(), RUN)
        told |= set(found.news)
        opened += found.open_run
    assert opened <= 7

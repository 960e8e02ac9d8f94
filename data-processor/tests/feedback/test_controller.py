import math
from dataclasses import replace
from typing import Any

import pytest

from data_processor.feedback.controller import (
    Decision,
    Facts,
    Hold,
    Outcome,
    decide,
    labels_wanted,
    tripped,
)
from data_processor.models.policy import Policy
from data_processor.statistics.score import Score, Share

POLICY = Policy()


def score(right: int, n: int, **fields: Any) -> Score:
    share = Share(right, n)
    shared: dict[str, Any] = {"asked": None, "by_asked": False, "raters": 9, "remark": ""}
    return Score(deciding=share, volunteered=share, **{**shared, **fields})


FALLEN = Facts(
    version="3",
    score=score(130, 200),
    was_degraded=False,
    open_run=None,
    idle_s=None,
    new_labels=25,
    hold=None,
    circuit_breaker=None,
    predecessor=None,
    enabled=True,
)
"""Everything a run needs."""


def evaluate(facts: Facts, policy: Policy = POLICY) -> Decision:
    return decide(facts, policy, checkpoint=True)


def test_a_score_that_has_fallen_opens_a_run() -> None:
    decision = evaluate(FALLEN)
    assert (decision.open_run, decision.state, decision.degraded) == (True, "retraining", True)


def test_the_reason_names_the_numbers() -> None:
    assert evaluate(FALLEN).reason == (
        "130 of the last 200 predictions of version 3 with feedback were right: 65.0 % (95 % interval 58.2 % "
        "to 71.3 %). The threshold is 80.0 %. The upper bound at z = 3 is 74.3 %, below the threshold. "
        "A retraining run has been opened."
    )


def test_nothing_is_opened_between_checkpoints() -> None:
    decision = decide(FALLEN, POLICY, checkpoint=False)
    assert (decision.open_run, decision.state) == (False, "degraded")
    assert "A run will be opened at the next checkpoint." in decision.reason


def test_rule_1_too_little_feedback() -> None:
    decision = evaluate(replace(FALLEN, score=score(0, 49)))
    assert (decision.open_run, decision.state) == (False, "collecting")
    assert "49 of the 50 predictions with feedback" in decision.reason
    assert evaluate(replace(FALLEN, score=score(0, 50))).open_run


def test_rule_2_the_upper_bound_at_z_3_decides_and_not_the_interval_that_is_shown() -> None:
    shown = Share(148, 200).interval()
    assert shown is not None
    assert shown[1] < POLICY.threshold
    decision = evaluate(replace(FALLEN, score=score(148, 200)))
    assert (decision.open_run, decision.state) == (False, "healthy")
    assert "it may be chance" in decision.reason


def test_rule_3_a_run_is_open() -> None:
    decision = evaluate(replace(FALLEN, open_run="r1"))
    assert (decision.open_run, decision.state) == (False, "retraining")
    assert "Run r1 is open." in decision.reason


def test_rule_3_the_cooldown_is_not_over() -> None:
    decision = evaluate(replace(FALLEN, idle_s=3599.5))
    assert (decision.open_run, decision.state) == (False, "degraded")
    assert "No run is opened: the cooldown after the last run has 1 s to go." in decision.reason
    assert evaluate(replace(FALLEN, idle_s=3600)).open_run


def test_rule_4_too_few_new_labels() -> None:
    decision = evaluate(replace(FALLEN, new_labels=24))
    assert (decision.open_run, decision.state) == (False, "degraded")
    assert (
        "24 of the 25 labelled rows it takes are newer than the data version 3 was trained on"
        in decision.reason
    )


def test_rule_4_after_a_hold_the_gate_gets_the_rows_it_asked_for() -> None:
    hold = Hold(rows=100, needed=160)
    decision = evaluate(replace(FALLEN, hold=hold, new_labels=228))
    assert (decision.open_run, decision.state) == (False, "degraded")
    assert (
        "the last gate could not decide on 100 test rows, the next should have 160, and there are about 159"
        in decision.reason
    )
    assert evaluate(replace(FALLEN, hold=hold, new_labels=229)).open_run


@pytest.mark.parametrize("needed", [5_000, None])
def test_rule_4_never_asks_for_more_than_twice_the_rows(needed: int | None) -> None:
    hold = Hold(rows=70, needed=needed)
    assert hold.rows_wanted == 140
    assert labels_wanted(hold, POLICY) == 200
    assert evaluate(replace(FALLEN, hold=hold, new_labels=200)).open_run


def test_rule_4_a_hold_without_rows_asks_for_the_usual_labels() -> None:
    assert labels_wanted(Hold(rows=0, needed=None), POLICY) == 25


def test_rule_5_the_circuit_breaker_is_open() -> None:
    decision = evaluate(replace(FALLEN, circuit_breaker="Retraining is paused."))
    assert (decision.open_run, decision.state) == (False, "paused")
    assert "Retraining is paused." in decision.reason


def test_a_stage_that_opens_no_runs_says_so() -> None:
    decision = evaluate(replace(FALLEN, enabled=False))
    assert (decision.open_run, decision.state) == (False, "degraded")
    assert "this stage does not open runs automatically" in decision.reason


def test_everything_that_is_missing_is_named() -> None:
    decision = evaluate(replace(FALLEN, idle_s=0, new_labels=3, hold=Hold(50, 80), enabled=False))
    for part in (
        "does not open runs",
        "3600 s to go",
        "3 of the 25",
        "should have 80, and there are about 2",
    ):
        assert part in decision.reason


def test_a_healthy_score_needs_no_excuse() -> None:
    decision = evaluate(replace(FALLEN, score=score(170, 200), idle_s=0, new_labels=0))
    assert (decision.open_run, decision.state, decision.degraded) == (False, "healthy", False)
    assert decision.reason.endswith("The threshold is 80.0 %.")


@pytest.mark.parametrize(("right", "state"), [(163, "degraded"), (164, "degraded"), (165, "healthy")])
def test_degraded_clears_only_above_the_threshold_and_its_margin(right: int, state: str) -> None:
    decision = evaluate(replace(FALLEN, score=score(right, 200), was_degraded=True))
    assert (decision.open_run, decision.state, decision.degraded) == (False, state, state == "degraded")


@pytest.mark.parametrize(("threshold", "right"), [(0.12, 28), (0.15, 34), (0.80, 164), (0.93, 190)])
def test_at_the_threshold_and_its_margin_degraded_does_not_clear(threshold: float, right: int) -> None:
    """Whichever way 64-bit floats round the sum of the two."""
    policy = Policy(threshold=threshold)
    assert evaluate(replace(FALLEN, score=score(right, 200), was_degraded=True), policy).degraded
    assert not evaluate(replace(FALLEN, score=score(right + 1, 200), was_degraded=True), policy).degraded


@pytest.mark.parametrize("threshold", [0.98, 1.0])
def test_a_perfect_score_clears_degraded_whatever_the_threshold(threshold: float) -> None:
    policy = Policy(threshold=threshold)
    assert evaluate(replace(FALLEN, score=score(199, 200), was_degraded=True), policy).degraded
    assert not evaluate(replace(FALLEN, score=score(200, 200), was_degraded=True), policy).degraded


def test_degraded_by_memory_alone_opens_no_run() -> None:
    decision = evaluate(replace(FALLEN, score=score(155, 200), was_degraded=True))
    assert (decision.open_run, decision.state) == (False, "degraded")
    assert "stays so until it rises above 82.0 %" in decision.reason


def test_degraded_is_remembered_while_there_is_too_little_to_say() -> None:
    assert evaluate(replace(FALLEN, score=score(30, 40), was_degraded=True)).degraded


def test_after_a_promotion_the_version_is_watched_while_it_collects_and_while_it_is_healthy() -> None:
    for right, n in ((20, 30), (180, 200)):
        decision = evaluate(replace(FALLEN, score=score(right, n), predecessor="2"))
        assert (decision.state, decision.open_run) == ("watching", False)
        assert "being watched against version 2" in decision.reason


def test_a_version_that_falls_while_it_is_watched_is_retrained() -> None:
    assert evaluate(replace(FALLEN, predecessor="2")).open_run


def test_what_to_bear_in_mind_ends_the_reason() -> None:
    remark = "Fewer than 5 raters: all of this feedback comes from one person."
    assert evaluate(replace(FALLEN, score=score(130, 200, remark=remark))).reason.endswith(remark)


def test_a_score_of_asked_feedback_says_so() -> None:
    assert (
        "predictions of version 3 that people were asked about were right"
        in evaluate(replace(FALLEN, score=score(130, 200, by_asked=True))).reason
    )


@pytest.mark.parametrize(
    ("newest_first", "is_open"),
    [
        (["reject", "failed", "reject"], True),
        (["reject", "reject"], False),
        (["reject", "reject", "promote", "reject"], False),
        (["promote", "reject", "reject", "reject"], False),
        (["reject", "hold", "reject", "hold", "failed"], True),
        (["reject", "cancelled", "reject", "reject"], True),
        (["hold", "hold", "hold", "hold"], False),
        ([], False),
    ],
)
def test_three_bad_runs_in_a_row_open_the_circuit_breaker(newest_first: list[Outcome], is_open: bool) -> None:
    assert (tripped(newest_first, POLICY) is not None) == is_open


def test_the_circuit_breaker_says_how_the_runs_ended() -> None:
    reason = tripped(["failed", "reject", "reject"], POLICY)
    assert reason is not None
    assert "the last 3 runs ended as reject, reject, failed" in reason


def test_holds_are_retried_a_logarithmic_number_of_times() -> None:
    """Each hold doubles the rows the next gate must have, so 20 000 labels bring at most ten runs."""
    hold, runs = None, 0
    for labels in range(25, 20_000):
        if evaluate(replace(FALLEN, hold=hold, new_labels=labels)).open_run:
            runs += 1
            hold = Hold(rows=math.floor(labels * 0.7), needed=None)
    assert runs == 10

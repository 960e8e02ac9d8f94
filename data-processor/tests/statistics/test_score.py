import math
from collections.abc import Iterator
from itertools import count

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from data_processor.models.policy import Policy
from data_processor.statistics.measures import Answers, right
from data_processor.statistics.score import FeedbackEntry, Share, summarise, wilson, within

POLICY = Policy()
_ids = count()


def said(subject: str, correct: bool, prediction: str | None = None, *, asked: bool = False) -> FeedbackEntry:
    return FeedbackEntry(prediction or f"p{next(_ids)}", subject, correct, asked)


def many(subject: str, right: int, wrong: int = 0, *, asked: bool = False) -> Iterator[FeedbackEntry]:
    for correct in [True] * right + [False] * wrong:
        yield said(subject, correct, asked=asked)


@given(st.integers(1, 5_000), st.data())
def test_the_interval_is_wilsons(n: int, data: st.DataObject) -> None:
    right = data.draw(st.integers(0, n))
    low, high = wilson(right, n)
    expected = stats.binomtest(right, n).proportion_ci(0.95, "wilson")
    assert low == pytest.approx(expected.low, abs=1e-9)
    assert high == pytest.approx(expected.high, abs=1e-9)


def test_the_interval_is_that_of_the_literature() -> None:
    """Newcombe 1998, table I: 81 of 263."""
    low, high = wilson(81, 263)
    assert (round(low, 4), round(high, 4)) == (0.2553, 0.3662)


def test_a_wider_interval_holds_the_narrower_one() -> None:
    share = Share(160, 200)
    (low, high), (lower, higher) = share.interval() or (0, 0), share.interval(3.0) or (0, 0)
    assert lower < low < 0.8 < high < higher


def test_no_feedback_has_no_value_and_no_interval() -> None:
    score = summarise([], POLICY)
    assert (score.deciding.value, score.deciding.interval(), score.deciding.n) == (None, None, 0)
    assert (score.asked, score.remark) == (None, "")


def test_the_latest_word_of_a_rater_counts() -> None:
    score = summarise([said("ann", False, "p"), said("ann", True, "p")], POLICY)
    assert score.deciding == Share(1, 1)


def test_the_majority_of_raters_counts() -> None:
    votes = [said("ann", True, "p"), said("bob", False, "p"), said("cid", False, "p")]
    assert summarise(votes, POLICY).deciding == Share(0, 1)


def test_a_tie_does_not_count() -> None:
    assert summarise([said("ann", True, "p"), said("bob", False, "p")], POLICY).deciding.n == 0


def test_a_changed_mind_can_break_a_tie() -> None:
    votes = [said("ann", True, "p"), said("bob", False, "p"), said("bob", True, "p")]
    assert summarise(votes, POLICY).deciding == Share(1, 1)


def test_only_the_last_window_counts() -> None:
    score = summarise([*many("ann", 0, 300), *many("ann", 200)], POLICY)
    assert score.deciding == Share(200, 200)


def test_ties_do_not_use_up_the_window() -> None:
    ties = [said(who, who == "ann", f"tie{i}") for i in range(50) for who in ("ann", "bob")]
    assert summarise([*many("ann", 200), *ties], POLICY).deciding.n == 200


def test_new_feedback_on_an_old_prediction_does_not_make_it_recent() -> None:
    old = [said("ann", False, f"old{i}") for i in range(100)]
    again = [said("ann", False, f"old{i}") for i in range(100)]
    assert summarise([*old, *many("ann", 200), *again], POLICY).deciding == Share(200, 200)


def test_few_raters_are_named_and_not_limited() -> None:
    score = summarise([*many("ann", 150), *many("bob", 0, 10)], POLICY)
    assert score.deciding == Share(150, 160)
    assert score.remark == "Fewer than 5 raters: all of this feedback comes from 2 people."
    assert "one person" in summarise(many("ann", 3), POLICY).remark


def test_nobody_supplies_more_than_their_share_once_five_have_spoken() -> None:
    quiet = [one for name in "bcdefghijk" for one in many(name, 10)]
    score = summarise([*quiet, *many("a", 0, 200)], POLICY)
    assert score.deciding == Share(100, 125)
    assert (
        score.remark
        == "75 predictions are left out, because no rater may supply more than 20.0 % of the score."
    )


def test_whoever_is_trusted_is_not_limited() -> None:
    quiet = [one for name in "bcdefghijk" for one in many(name, 10)]
    eve = [one._replace(trusted=True) for one in many("eve", 0, 100)]
    assert summarise([*quiet, *eve], POLICY).deciding == Share(100, 200)


def test_the_trusted_break_a_tie_and_else_whoever_asked() -> None:
    mine, other = said("ann", True, "p")._replace(own=True), said("bob", False, "p")
    assert summarise([mine, other], POLICY).deciding == Share(1, 1)
    assert summarise([mine, other._replace(trusted=True)], POLICY).deciding == Share(0, 1)


def test_the_share_is_of_the_predictions_that_count() -> None:
    """Five raters, one of whom gave little feedback: none may supply more than that one."""
    score = summarise([*(one for name in "abcd" for one in many(name, 50)), *many("e", 3)], POLICY)
    assert score.deciding.n == 15


def test_what_one_rater_may_not_supply_older_feedback_of_others_does() -> None:
    older = [one for name in "bcdefghijk" for one in many(name, 40)]
    score = summarise([*older, *many("a", 0, 200)], POLICY)
    assert score.deciding == Share(160, 200)


def test_raters_of_the_same_predictions_share_them() -> None:
    votes = [said(who, True, f"p{i}") for i in range(100) for who in "abcde"]
    assert summarise(votes, POLICY).deciding == Share(100, 100)


voters = st.lists(
    st.tuples(st.sampled_from("abcdefg"), st.integers(0, 60), st.booleans()), min_size=1, max_size=300
)


@given(voters)
def test_the_share_of_a_rater_holds_whatever_is_said(votes: list[tuple[str, int, bool]]) -> None:
    entries = [said(who, correct, f"p{number}") for who, number, correct in votes]
    policy = Policy(window=40, min_feedback=10)
    score = summarise(entries, policy)
    supplied: dict[str, float] = {}
    only: dict[str, dict[str, bool]] = {one.prediction: {} for one in entries}
    for one in entries:
        only[one.prediction][one.subject] = one.correct
    alone = {p: next(iter(v)) for p, v in only.items() if len(v) == 1}
    for who in alone.values():
        supplied[who] = supplied.get(who, 0) + 1
    raters = {one.subject for one in entries}
    assert score.deciding.n <= min(40, len(only))
    if len(raters) >= 5 and len(alone) == len(only) and len(only) <= 40:
        assert score.deciding.n <= sum(min(n, 0.2 * score.deciding.n + 1e-9) for n in supplied.values())


@given(voters)
def test_adding_the_same_words_again_changes_nothing(votes: list[tuple[str, int, bool]]) -> None:
    entries = [said(who, correct, f"p{number}") for who, number, correct in votes]
    again = [entries[-1]]
    assert summarise([*entries, *again], POLICY) == summarise(entries, POLICY)


def test_asked_feedback_decides_alone_once_there_is_enough() -> None:
    policy = Policy(ask_rate=0.1)
    volunteered = list(many("ann", 0, 150))
    few = summarise([*volunteered, *many("bob", 49, asked=True)], policy)
    assert (few.by_asked, few.deciding.n) == (False, 199)
    enough = summarise([*volunteered, *many("bob", 50, asked=True)], policy)
    assert (enough.by_asked, enough.deciding) == (True, Share(50, 50))
    assert (enough.asked, enough.volunteered) == (Share(50, 50), Share(0, 150))


def test_asked_feedback_is_shown_and_does_not_decide_when_nothing_is_asked_any_more() -> None:
    score = summarise([*many("ann", 0, 150), *many("bob", 50, asked=True)], Policy(ask_rate=0.0))
    assert (score.by_asked, score.deciding.n, score.asked) == (False, 200, Share(50, 50))


def test_rare_asked_feedback_looks_back_further_than_the_window() -> None:
    policy = Policy(ask_rate=0.01, window=50)
    mixed = [one for _ in range(60) for one in (*many("ann", 0, 9), *many("bob", 1, asked=True))]
    assert summarise(mixed, policy).deciding == Share(50, 50)


def test_a_value_is_right_within_the_tolerance() -> None:
    assert within(10.0, 10.5, 0.5)
    assert not within(10.0, 10.5, 0.4)
    assert within(math.pi, math.pi, 0.0)


@pytest.mark.parametrize(
    ("answer", "truth", "tolerance"), [(1.1, 1.0, 0.1), (0.3, 0.1, 0.2), (100.7, 100.0, 0.7), (0.1, 0.1, 0)]
)
def test_an_error_of_exactly_the_tolerance_is_right(answer: float, truth: float, tolerance: float) -> None:
    as_served = float(np.float32(answer))
    for said in (answer, as_served):
        assert within(said, truth, tolerance)
        assert not within(said, truth - 1e-4, tolerance)
        assert right(np.array([truth]), Answers(values=np.array([said])), tolerance).all()


def test_a_step_of_32_bits_does_not_widen_a_tolerance() -> None:
    answer, truth, tolerance = 2_000_000_012.0, 2_000_000_020.0, 0.5
    assert not within(answer, truth, tolerance)
    assert not right(np.array([truth]), Answers(values=np.array([answer])), tolerance).any()


def test_a_value_that_is_no_number_is_not_right() -> None:
    assert not within(math.nan, 1.0, 0.5)
    assert not right(np.array([1.0]), Answers(values=np.array([math.nan])), 0.5).any()


def test_answers_about_one_group_are_right_and_wrong_together() -> None:
    entries = [
        FeedbackEntry(
            f"p{n}", f"rater {n % 7}", correct=n % 40 < 30, asked=False, group=f"engine {n % 40 // 5}"
        )
        for n in range(80)
    ]
    alone = [entry._replace(group=None) for entry in entries]
    of_groups, of_rows = summarise(entries, POLICY).deciding, summarise(alone, POLICY).deciding

    assert (of_groups.right, of_groups.n, of_groups.groups) == (of_rows.right, of_rows.n, 8)
    wide, narrow = of_groups.interval(), of_rows.interval()
    assert wide is not None
    assert narrow is not None
    assert wide[1] - wide[0] > 2 * (narrow[1] - narrow[0])
    assert "8 groups" in summarise(entries, POLICY).remark
    assert summarise(alone, POLICY).remark == ""

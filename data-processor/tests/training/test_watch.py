import numpy as np
import pytest
from numpy.typing import NDArray

from data_processor.models.policy import Policy
from data_processor.statistics.measures import Answers
from data_processor.statistics.paired import mcnemar
from data_processor.statistics.raters import Source
from data_processor.training.watch import Check, check, counted, due

POLICY = Policy()


EVE = Source(("eve",), trusted=True)


def taken(
    version_only: int,
    predecessor_only: int,
    n: int = 100,
    *,
    unlabelled: int = 0,
    sources: list[Source] | None = None,
    groups: NDArray[np.int64] | None = None,
) -> Check:
    both = n - version_only - predecessor_only
    version = np.repeat([True, False, True], [version_only, predecessor_only, both])
    predecessor = np.repeat([False, True, True], [version_only, predecessor_only, both])
    return check(
        version,
        predecessor,
        sources=sources or [EVE] * n,
        with_feedback=n + unlabelled,
        labelled=n,
        policy=POLICY,
        groups=groups,
    )


@pytest.mark.parametrize(
    ("done", "labelled", "size"),
    [
        ([], 49, None),
        ([], 50, 50),
        ([], 130, 50),
        ([50], 99, None),
        ([50], 130, 100),
        ([50, 100, 200], 400, 400),
        ([50, 100, 200, 400], 9_999, None),
    ],
)
def test_checks_are_due_one_after_the_other(done: list[int], labelled: int, size: int | None) -> None:
    assert due(done, labelled, POLICY) == size


def test_a_predecessor_that_is_better_beyond_chance_comes_back() -> None:
    found = taken(3, 17)
    assert (found.conclusion, found.p_value) == ("roll_back", mcnemar(17, 3))
    assert (found.version_only, found.predecessor_only, found.both_right, found.both_wrong) == (3, 17, 80, 0)
    assert found.reason.startswith(
        "On 100 labelled inputs since the promotion this version was right in 83.0 % and its "
        "predecessor in 97.0 % of the cases (p = 0.0013)."
    )


def test_one_group_alone_brings_no_predecessor_back_and_nor_do_few() -> None:
    """All the losses are about one engine of twenty; then each about another one; then all about few."""
    other, lost = np.arange(100) % 20, np.arange(3, 20)
    one = other.copy()
    one[lost] = 99
    each = np.arange(100)
    few = np.arange(100) % 9
    found = {name: taken(3, 17, groups=of) for name, of in {"one": one, "each": each, "few": few}.items()}
    assert {name: check.conclusion for name, check in found.items()} == {
        "one": "continue",
        "each": "roll_back",
        "few": "continue",
    }
    assert found["few"].p_value == 1


def test_a_predecessor_that_may_be_better_by_chance_does_not() -> None:
    found = taken(5, 15)
    assert (found.conclusion, found.p_value > 0.01) == ("continue", True)


def test_the_last_check_ends_the_watch() -> None:
    assert taken(20, 20, n=400).conclusion == "passed"
    assert taken(20, 60, n=400).conclusion == "roll_back"


def test_where_the_result_leans_on_one_rater_the_watch_goes_on_and_at_last_people_are_told() -> None:
    others = [Source((f"rater-{n % 8}",), trusted=False) for n in range(400)]
    liar = [Source(("mallory",), trusted=False)] * 17
    found = taken(3, 17, sources=[*others[:3], *liar, *others[20:100]])
    assert (found.conclusion, found.p_value < POLICY.watch_alpha) == ("continue", True)
    assert "not without the 17 inputs that 'mallory' labelled: the watch goes on" in found.reason
    assert taken(3, 17, n=400, sources=[*others[:3], *liar, *others[20:400]]).conclusion == "alert"
    assert taken(3, 17, sources=others[:100]).conclusion == "roll_back"


def test_people_are_told_where_too_much_feedback_has_no_label() -> None:
    assert taken(3, 17, unlabelled=25).conclusion == "roll_back"
    found = taken(3, 17, unlabelled=26)
    assert found.conclusion == "alert"
    assert "26 of 126 predictions with feedback have no label" in found.reason


def test_people_are_told_only_above_the_share_without_a_label() -> None:
    """Exactly the share is not more than it, whichever way it is computed."""
    policy, right, wrong = Policy(max_unlabelled_share=0.3), np.ones(100, bool), np.zeros(100, bool)
    shares = {
        n: check(wrong, right, sources=[EVE] * 100, with_feedback=n, labelled=700, policy=policy).conclusion
        for n in (1_000, 1_001)
    }
    assert shares == {1_000: "roll_back", 1_001: "alert"}


def _values(values: list[float]) -> Answers:
    return Answers(values=np.array(values))


def _lists(flags: tuple[NDArray[np.bool_], NDArray[np.bool_]]) -> tuple[list[bool], list[bool]]:
    return flags[0].tolist(), flags[1].tolist()


def test_labels_are_right_or_wrong() -> None:
    truth = np.array(["a", "b"], object)
    version, predecessor = (Answers(labels=np.array(said, object)) for said in (["a", "a"], ["b", "b"]))
    assert _lists(counted(truth, version, predecessor, POLICY)) == ([True, False], [False, True])


def test_values_are_right_within_the_tolerance() -> None:
    flags = counted(np.array([1.0, 2.0]), _values([1.4, 9.0]), _values([1.6, 2.5]), Policy(tolerance=0.5))
    assert _lists(flags) == ([True, False], [False, True])


def test_without_a_tolerance_the_nearer_value_is_right() -> None:
    flags = counted(np.array([1.0, 2.0, 3.0]), _values([1.4, 9.0, 4.0]), _values([1.6, 2.5, 2.0]), POLICY)
    assert _lists(flags) == ([True, False, False], [False, True, False])

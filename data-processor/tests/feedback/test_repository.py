from collections.abc import Callable
from typing import Any

import pytest

from data_processor.feedback import repository
from data_processor.feedback.repository import Labelled
from data_processor.models.policy import Policy
from data_processor.statistics.raters import Source
from data_processor.statistics.score import Share


def score(stage: Any, **policy: Any) -> Share:
    with stage.database.reading() as session:
        return repository.score_of(session, "census", "main", "1", Policy(**policy)).deciding


def new_feedback(stage: Any, after: int = 0, **policy: Any) -> int:
    with stage.database.reading() as session:
        return repository.count_new_feedback(session, "census", "main", "1", after, policy=Policy(**policy))


def labelled(
    stage: Any, after: int = 0, policy: dict[str, Any] | None = None, **of: Any
) -> list[tuple[int, str, Any]]:
    with stage.database.reading() as session:
        found = repository.labelled_since(session, "census", after, policy=Policy(**(policy or {})), **of)
        return [(row.seq, row.prediction, row.truth) for row in found]


def test_only_unpinned_predictions_of_the_version_count(stage: Any) -> None:
    stage.rate(3)
    stage.rate(0, 5, pinned=True)
    stage.rate(0, 7, version="2")
    assert score(stage) == Share(3, 3)
    assert new_feedback(stage) == 3


def test_feedback_on_a_prediction_that_has_some_is_not_new(stage: Any) -> None:
    prediction = stage.predict()
    stage.give(prediction)
    seq = stage.said()[-1].seq
    stage.give(prediction, correct=False)
    stage.give(prediction, "bob", correct=False)
    assert new_feedback(stage, seq) == 0
    stage.rate(2)
    assert (new_feedback(stage, seq), new_feedback(stage)) == (2, 3)


def test_a_prediction_on_which_raters_are_evenly_divided_has_no_new_feedback(stage: Any) -> None:
    prediction = stage.predict()
    stage.rate(1)
    stage.give_before(prediction, "ann")
    stage.give_before(prediction, "bob", correct=False)
    assert new_feedback(stage) == 1
    stage.give_before(prediction, "cid", correct=False)
    assert new_feedback(stage) == 2


def test_the_score_reads_no_more_than_it_needs(stage: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repository, "LOOK_BACK", (1, 2))
    policy = {"window": 20, "min_feedback": 10}
    stage.rate(0, 10, subject="bob")
    stage.rate(40)
    assert score(stage, **policy) == Share(20, 20)


def test_a_flood_by_one_rater_does_not_wash_away_the_others(
    stage: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repository, "LOOK_BACK", (1, 4))
    for who in ("bob", "cid", "dan", "eve", "flo"):
        stage.rate(4, subject=who)
    stage.rate(0, 30)
    assert score(stage, window=20, min_feedback=10) == Share(16, 20)


def test_old_feedback_on_a_prediction_that_gets_more_is_known(
    stage: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repository, "LOOK_BACK", (1,))
    prediction = stage.predict()
    for who in ("bob", "cid"):
        stage.give(prediction, who)
    stage.rate(25)
    stage.give(prediction, "dan", correct=False)
    assert score(stage, window=26, min_feedback=10) == Share(26, 26)


def test_feedback_that_was_asked_for_is_found_however_rare_it_is(
    stage: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repository, "LOOK_BACK", (1,))
    stage.rate(10, subject="bob", asked=True)
    stage.rate(0, 40)
    assert score(stage, window=20, min_feedback=10, ask_rate=0.1) == Share(10, 10)
    assert score(stage, window=20, min_feedback=10) == Share(0, 20)


def test_labelled_rows_carry_the_truth_in_the_order_it_came(stage: Any) -> None:
    first, second = stage.predict(), stage.predict()
    stage.give(second)
    stage.give(first, correct=False)
    assert labelled(stage) == [(1, second, "<=50K"), (2, first, ">50K")]
    assert labelled(stage, after=1) == [(2, first, ">50K")]


def test_each_raters_latest_word_and_the_majority_make_the_truth(stage: Any) -> None:
    prediction = stage.predict()
    for who, correct in (("ann", True), ("bob", False), ("cid", True), ("ann", False)):
        stage.give(prediction, who, correct=correct)
    assert [row[2] for row in labelled(stage)] == [">50K"]


def test_where_people_are_divided_the_truth_is_not_known(stage: Any) -> None:
    prediction = stage.predict()
    stage.give_before(prediction, "ann")
    stage.give_before(prediction, "bob", correct=False)
    assert labelled(stage) == []


def test_one_opposing_voice_erases_no_label(stage: Any) -> None:
    corrected, kept = stage.predict(), stage.predict()
    stage.give(corrected)
    stage.give(corrected, "eve", role="engineer", correct=False)
    stage.give(kept)
    stage.give_before(kept, "bob", correct=False)
    assert [row[2] for row in labelled(stage)] == [">50K", "<=50K"]
    assert score(stage) == Share(1, 2)
    assert new_feedback(stage) == 2


def test_who_labels_a_row_is_known_with_it(stage: Any) -> None:
    stage.rate(1, subject="ann")
    stage.rate(1, subject="eve", role="engineer")
    stage.rate(1, subject="bob", asked=True)
    with stage.database.reading() as session:
        found = repository.labelled_since(session, "census", policy=Policy())
        assert [one.source for one in found] == [
            Source(("ann",), trusted=False),
            Source(("eve",), trusted=True),
            Source(("bob",), trusted=False, asked=True),
        ]
        assert repository.labels_of(session, ["p0", "p2", "p9"], Policy()) == {
            "p0": found[0],
            "p2": found[2],
        }


def test_pinned_predictions_neither_score_nor_train_unless_the_policy_says_so(stage: Any) -> None:
    stage.rate(2)
    stage.rate(0, 3, pinned=True)
    assert (score(stage), len(labelled(stage)), new_feedback(stage)) == (Share(2, 2), 2, 2)
    told = {"use_pinned": True}
    assert (score(stage, **told), len(labelled(stage, policy=told))) == (Share(2, 5), 5)
    assert new_feedback(stage, **told) == 5
    with stage.database.reading() as session:
        for policy, expected in ((Policy(), 2), (Policy(use_pinned=True), 5)):
            assert repository.count_new_labels(session, "census", 0, 9, policy=policy) == expected
            assert (
                repository.count_with_feedback(session, "census", "main", "1", 0, policy=policy) == expected
            )
            assert len(repository.labels_of(session, [f"p{n}" for n in range(5)], policy)) == expected


def test_new_labels_are_counted_as_a_run_would_use_them(stage: Any) -> None:
    for who in ("bob", "cid", "dan", "eve"):
        stage.rate(4, subject=who)
    with stage.database.reading() as session:
        count = repository.count_new_labels
        assert count(session, "census", 0, 100, policy=Policy()) == 16
    stage.rate(0, 60)
    with stage.database.reading() as session:
        assert count(session, "census", 0, 100, policy=Policy()) == 20


def test_a_row_labelled_again_is_as_old_as_its_first_label(stage: Any) -> None:
    """A model may have been fitted to it since then, so it must never count as recent."""
    prediction = stage.predict()
    stage.give(prediction)
    stage.give(prediction, correct=False)
    assert labelled(stage, after=1) == []
    assert labelled(stage) == [(1, prediction, ">50K")]


def test_a_row_with_feedback_but_no_label_counts_from_its_first_label_on(stage: Any) -> None:
    three = {"label": "a", "probabilities": {"a": 0.5, "b": 0.3, "c": 0.2}}
    prediction = stage.predict(version="deleted", output=three)
    stage.give(prediction, correct=False)
    assert labelled(stage) == []
    stage.give(prediction, correct=False, label="c")
    assert labelled(stage, after=1) == [(2, prediction, "c")]


def test_of_several_values_the_median_is_the_truth_of_the_trusted_if_there_are_any(
    new_stage: Callable[..., Any],
) -> None:
    stage = new_stage("tabular-regression")
    prediction = stage.predict(output={"value": 10.0})
    for who, value in (("ann", 1.0), ("bob", 30.0), ("cid", 12.0), ("dan", 14.0)):
        stage.give(prediction, who, correct=False, value=value)
    assert [row[2] for row in labelled(stage)] == [14.0]


def test_labelled_rows_can_be_those_of_one_version(stage: Any) -> None:
    stage.rate(1)
    stage.rate(2, version="2")
    assert [len(labelled(stage, version=version)) for version in ("1", "2")] == [1, 2]


def test_newly_labelled_rows_are_counted_up_to_what_is_wanted(stage: Any) -> None:
    stage.rate(5, 5)
    with stage.database.reading() as session:
        counts = [
            repository.count_new_labels(session, "census", after, 7, policy=Policy()) for after in (0, 6, 10)
        ]
    assert counts == [7, 4, 0]


def test_predictions_with_feedback_are_counted_labelled_or_not(stage: Any) -> None:
    three = {"label": "a", "probabilities": {"a": 0.5, "b": 0.3, "c": 0.2}}
    stage.rate(2)
    stage.give(stage.predict(output=three, version="deleted"), correct=False)
    with stage.database.reading() as session:
        assert repository.count_with_feedback(session, "census", "main", "1", 0, policy=Policy()) == 2
        assert repository.count_with_feedback(session, "census", "main", "deleted", 0, policy=Policy()) == 1


def test_labelled_rows_can_be_those_of_one_stage(stage: Any) -> None:
    stage.rate(1)
    with stage.database.reading() as session:
        assert repository.labelled_since(session, "census", policy=Policy(), stage="staging") == []
        assert repository.labelled_since(session, "census", policy=Policy(), stage="main") == [
            Labelled(1, "p0", "<=50K", Source(("ann",), trusted=False))
        ]

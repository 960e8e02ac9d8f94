from collections.abc import Callable
from typing import Any

import pytest

from data_processor.feedback import repository
from data_processor.feedback.repository import Labelled
from data_processor.models.policy import Policy
from data_processor.statistics.score import Share


def score(stage: Any, **policy: Any) -> Share:
    with stage.database.reading() as session:
        return repository.score_of(session, "census", "main", "1", Policy(**policy)).deciding


def new_feedback(stage: Any, after: int = 0) -> int:
    with stage.database.reading() as session:
        return repository.count_new_feedback(session, "census", "main", "1", after)


def labelled(stage: Any, after: int = 0, **of: Any) -> list[tuple[int, str, Any]]:
    with stage.database.reading() as session:
        found = repository.labelled_since(session, "census", after, **of)
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
    stage.give(prediction)
    stage.give(prediction, "bob", correct=False)
    assert new_feedback(stage) == 1
    stage.give(prediction, "cid", correct=False)
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
    stage.give(prediction)
    stage.give(prediction, "bob", correct=False)
    assert labelled(stage) == []


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


def test_of_several_values_the_median_is_the_truth(new_stage: Callable[..., Any]) -> None:
    stage = new_stage("tabular-regression")
    prediction = stage.predict(output={"value": 10.0})
    for who, value in (("ann", 1.0), ("bob", 30.0), ("cid", 12.0)):
        stage.give(prediction, who, correct=False, value=value)
    assert [row[2] for row in labelled(stage)] == [12.0]


def test_labelled_rows_can_be_those_of_one_version(stage: Any) -> None:
    stage.rate(1)
    stage.rate(2, version="2")
    assert [len(labelled(stage, version=version)) for version in ("1", "2")] == [1, 2]


def test_newly_labelled_rows_are_counted_up_to_what_is_wanted(stage: Any) -> None:
    stage.rate(5, 5)
    with stage.database.reading() as session:
        counts = [repository.count_new_labels(session, "census", after, 7) for after in (0, 6, 10)]
    assert counts == [7, 4, 0]


def test_predictions_with_feedback_are_counted_labelled_or_not(stage: Any) -> None:
    three = {"label": "a", "probabilities": {"a": 0.5, "b": 0.3, "c": 0.2}}
    stage.rate(2)
    stage.give(stage.predict(output=three, version="deleted"), correct=False)
    with stage.database.reading() as session:
        assert repository.count_with_feedback(session, "census", "main", "1", 0) == 2
        assert repository.count_with_feedback(session, "census", "main", "deleted", 0) == 1


def test_labelled_rows_can_be_those_of_one_stage(stage: Any) -> None:
    stage.rate(1)
    with stage.database.reading() as session:
        assert repository.labelled_since(session, "census", stage="staging") == []
        assert repository.labelled_since(session, "census", stage="main") == [Labelled(1, "p0", "<=50K")]

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from data_processor.caller import Caller
from data_processor.feedback.schemas import FeedbackRequest
from data_processor.rows import IdempotencyRow, RunRow
from data_processor.service.database import now
from data_processor.service.errors import Conflict, Invalid, NotFound
from data_processor.service.spans import traced
from data_processor.service.trace_context import parse_traceparent


def test_the_first_word_of_a_person_is_new_and_the_next_is_a_changed_mind(stage: Any) -> None:
    prediction = stage.predict()
    assert stage.give(prediction)[0] == 201
    assert stage.give(prediction, "bob")[0] == 201
    assert stage.give(prediction, correct=False)[0] == 200
    assert [(row.subject, row.correct) for row in stage.said()] == [
        ("ann", True),
        ("bob", True),
        ("ann", False),
    ]


def test_the_answer_says_what_was_recorded_and_what_it_implies(stage: Any) -> None:
    prediction = stage.predict()
    status, said = stage.give(prediction, correct=False, comment="He told me.")
    row = stage.said()[0]
    assert status == 201
    assert said == {
        "id": str(row.seq),
        "prediction": prediction,
        "model": "census",
        "version": "1",
        "subject": "ann",
        "correct": False,
        "label": ">50K",
        "value": None,
        "comment": "He told me.",
        "trace_id": None,
        "at": row.at.isoformat().replace("+00:00", "Z"),
    }


def test_feedback_and_the_run_that_it_starts_keep_the_trace_of_the_request(stage: Any) -> None:
    header = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"
    with traced("feedback", parse_traceparent(header)) as request:
        _, said = stage.give(stage.predict())
        row = stage.runs.queue(None, "evaluation", trigger="manual", reason="to try it", subject="ada")
    assert said["trace_id"] == "0af7651916cd43dd8448eb211c80319c"
    assert stage.said()[0].traceparent == row.traceparent == request.ids.traceparent.header
    assert stage.runs.get(row.id).trace_id == said["trace_id"]


def test_what_the_score_needs_of_the_prediction_is_kept_with_the_feedback(stage: Any) -> None:
    stage.give(stage.predict(version="7", pinned=True, asked=True))
    row = stage.said()[0]
    assert (row.model, row.stage, row.version, row.pinned, row.asked) == ("census", "main", "7", True, True)


def test_the_group_that_was_sent_is_kept_with_the_feedback_and_widens_the_interval(stage: Any) -> None:
    stage.serve("5", holdout={"by": "group", "column": "unit"})
    for number in range(60):
        unit = {"unit": number % 6} if number else {}
        stage.give(stage.predict(version="5", inputs=unit), f"rater {number % 7}", correct=number % 6 < 4)
    kept = [row.belongs_to for row in stage.said()]
    assert kept == [None, *(str(number % 6) for number in range(1, 60))]

    score = stage.feedback.score("census")
    assert (score["n"], score["value"]) == (60, 40 / 60)
    assert score["high"] - score["low"] > 0.5
    assert "about 7 groups" in score["reason"]
    stage.serve("6")
    stage.give(stage.predict(version="6", inputs={"unit": 3}))
    assert stage.said()[-1].belongs_to is None


def test_an_unknown_prediction_is_not_found(stage: Any) -> None:
    with pytest.raises(NotFound, match="There is no prediction 'p99'"):
        stage.give("p99")


def test_whoever_may_not_see_a_prediction_gives_no_feedback_on_it(stage: Any) -> None:
    prediction = stage.predict()
    with pytest.raises(NotFound, match="There is no prediction 'p0'"):
        stage.give(prediction, "bob", role="user")
    assert stage.said() == []
    assert stage.give(prediction, "eve", role="engineer")[0] == 201


def test_it_is_recorded_whether_a_rater_was_trusted_and_asked_for_the_prediction(stage: Any) -> None:
    prediction = stage.predict()
    stage.give(prediction)
    stage.give(prediction, "eve", role="engineer")
    assert [(row.trusted, row.own) for row in stage.said()] == [(False, True), (True, False)]


def test_the_labels_of_a_key_that_was_marked_are_trusted(stage: Any) -> None:
    body = FeedbackRequest(correct=True)
    for marked in (False, True):
        prediction = stage.predict(subject="key:robot")
        stage.feedback.give(prediction, Caller("key:robot", "user", marked=marked), body)
    assert [row.trusted for row in stage.said()] == [False, True]


def test_refused_words_leave_no_trace(stage: Any) -> None:
    prediction = stage.predict()
    with pytest.raises(Invalid):
        stage.give(prediction, correct=False, label="maybe", key="k")
    assert (stage.said(), stage.rows(IdempotencyRow)) == ([], [])
    assert stage.give(prediction, correct=False, label=">50K", key="k")[0] == 201


def test_the_classes_are_those_of_the_version_that_answered(stage: Any) -> None:
    three = {"label": "a", "probabilities": {"a": 0.5, "b": 0.3, "c": 0.2}}
    _, said = stage.give(stage.predict(version="deleted", output=three), correct=False)
    assert said["label"] is None
    with pytest.raises(Invalid, match="was not taken"):
        stage.give(stage.predict(version="deleted", output=three), correct=False, label="d")


def test_a_regression_counts_by_the_policys_tolerance(new_stage: Callable[..., Any]) -> None:
    stage = new_stage("tabular-regression", tolerance=1.0)
    _, said = stage.give(stage.predict(output={"value": 10.0}), correct=False, value=10.8)
    assert (said["correct"], said["value"]) == (True, 10.8)


def test_the_same_key_and_body_give_the_same_answer_recorded_once(stage: Any) -> None:
    prediction = stage.predict()
    first = stage.give(prediction, key="k", correct=False)
    stage.give(prediction, correct=True)
    assert stage.give(prediction, key="k", correct=False) == first
    assert len(stage.said()) == 2


def test_the_same_key_with_another_body_or_prediction_is_a_conflict(stage: Any) -> None:
    prediction = stage.predict()
    stage.give(prediction, key="k")
    for again in ((prediction, {"correct": False}), (stage.predict(), {})):
        with pytest.raises(Conflict, match="'k' was used before"):
            stage.give(again[0], key="k", **again[1])
    assert len(stage.said()) == 1


def test_keys_of_two_people_do_not_meet(stage: Any) -> None:
    prediction = stage.predict()
    stage.give(prediction, "ann", key="k")
    assert stage.give(prediction, "bob", key="k", correct=False)[0] == 201


def test_a_key_is_forgotten_after_a_day(stage: Any) -> None:
    prediction = stage.predict()
    stage.give(prediction, key="k")
    with stage.database.transaction() as session:
        session.execute(update(IdempotencyRow).values(at=now() - timedelta(hours=25)))
    assert stage.give(prediction, key="k", correct=False)[0] == 200


def test_a_run_and_the_feedback_that_opened_it_are_one_transaction(
    stage: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.rate(0, 49)

    def fail(*_args: Any, **_fields: Any) -> None:
        raise OSError("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(stage.runs, "open", fail)
        with pytest.raises(OSError, match="disk is full"):
            stage.give(stage.predict(), correct=False, key="k")
    assert (len(stage.said()), stage.decisions(), stage.rows(RunRow)) == (49, [], [])
    stage.give(stage.predict(), correct=False, key="k")
    assert (len(stage.said()), len(stage.decisions()), len(stage.rows(RunRow))) == (50, 1, 1)

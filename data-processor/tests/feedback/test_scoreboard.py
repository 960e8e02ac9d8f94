from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from data_processor.caller import Caller
from data_processor.feedback.facts import gather
from data_processor.rows import DatasetVersionRow, RunRow, WatchRow
from data_processor.service.database import now
from data_processor.service.errors import NotFound

MAINTAINER = Caller("mia", "maintainer")


def score(stage: Any) -> dict[str, Any]:
    shown: dict[str, Any] = stage.feedback.score("census", "main")
    return shown


def test_the_score_has_every_field_of_the_public_face(stage: Any) -> None:
    stage.rate(6, 4)
    shown = score(stage)
    assert set(shown) == {
        "value", "low", "high", "n", "window", "threshold", "version",
        "state", "reason", "asked", "volunteered", "estimate", "estimate_reason", "believe", "believe_reason",
    }  # fmt: skip
    assert (shown["value"], shown["n"], shown["window"], shown["threshold"]) == (0.6, 10, 200, 0.8)
    assert shown["low"] < 0.6 < shown["high"]
    assert (shown["version"], shown["state"], shown["asked"], shown["estimate"]) == (
        "1", "collecting", None, None,
    )  # fmt: skip
    assert shown["volunteered"] == {name: shown[name] for name in ("value", "low", "high", "n")}


def test_a_stage_that_serves_nothing_has_no_score(stage: Any) -> None:
    shown = stage.feedback.score("census", "staging")
    assert (shown["value"], shown["n"], shown["version"], shown["state"]) == (None, 0, None, "collecting")
    assert "serves no version" in shown["reason"]


def test_an_unknown_model_has_no_score(stage: Any) -> None:
    with pytest.raises(NotFound, match="no model 'wine'"):
        stage.feedback.score("wine")


def test_asked_and_volunteered_feedback_are_shown_apart(new_stage: Callable[..., Any]) -> None:
    stage = new_stage(ask_rate=0.5)
    stage.rate(60, asked=True)
    stage.rate(0, 30)
    shown = score(stage)
    assert (shown["value"], shown["asked"]["n"], shown["volunteered"]["value"]) == (1.0, 60, 0.0)


def test_every_fiftieth_prediction_with_new_feedback_is_a_checkpoint(stage: Any) -> None:
    stage.rate(49)
    prediction = stage.predict()
    stage.give(stage.predict(pinned=True))
    stage.give(stage.predict(version="0"))
    assert stage.decisions() == []
    stage.give(prediction)
    stage.give(prediction, correct=False)
    stage.give(prediction, "bob", correct=False)
    stage.rate(49)
    assert len(stage.decisions()) == 1
    stage.rate(1)
    decisions = stage.decisions()
    assert [(row.state, row.score["n"], row.run) for row in decisions] == [
        ("healthy", 50, None),
        ("healthy", 100, None),
    ]
    assert decisions[1].score["seq"] == stage.said()[-1].seq


def test_a_tie_brings_no_checkpoint_nearer(stage: Any) -> None:
    for _ in range(3):
        prediction = stage.predict()
        stage.give_before(prediction, "ann")
        stage.give_before(prediction, "bob", correct=False)
    stage.rate(49)
    assert stage.decisions() == []
    stage.rate(1)
    assert [row.score["n"] for row in stage.decisions()] == [50]


def test_a_score_that_has_fallen_opens_one_run_with_its_reason(stage: Any) -> None:
    stage.rate(25, 25)
    (decision,), (run,) = stage.decisions(), stage.rows(RunRow)
    assert (decision.state, decision.run) == ("retraining", run.id)
    assert (run.status, run.trigger, run.subject, run.stage) == ("queued", "score", "loopkeeper", "main")
    assert run.reason == decision.reason
    assert "25 of the last 50" in run.reason
    stage.rate(0, 50)
    assert len(stage.rows(RunRow)) == 1
    assert f"Run {run.id} is open." in stage.decisions()[-1].reason
    assert score(stage)["state"] == "retraining"


def test_a_run_that_a_person_opened_at_the_same_time_is_theirs(
    stage: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def overtaken(session: Any, *args: Any, **fields: Any) -> Any:
        facts = gather(session, *args, **fields)
        stage.runs.open(session, "census", trigger="manual", reason="", subject="eve")
        return facts

    stage.rate(0, 49)
    with monkeypatch.context() as patched:
        patched.setattr("data_processor.feedback.scoreboard.gather", overtaken)
        stage.rate(0, 1)
    (run,), (decision,) = stage.rows(RunRow), stage.decisions()
    assert (run.trigger, decision.state, decision.run) == ("manual", "retraining", None)


def test_staging_opens_no_runs_by_itself(new_stage: Callable[..., Any]) -> None:
    stage = new_stage(controller_enabled=False)
    stage.rate(0, 50)
    assert (stage.rows(RunRow), stage.decisions()[0].state) == ([], "degraded")
    assert "does not open runs automatically" in score(stage)["reason"]


def test_after_a_promotion_the_score_collects_anew(stage: Any) -> None:
    stage.rate(40, 10)
    stage.serve("2")
    assert (score(stage)["version"], score(stage)["n"], score(stage)["state"]) == ("2", 0, "collecting")


def test_a_version_under_watch_is_watching(stage: Any) -> None:
    stage.serve("2")
    with stage.database.transaction() as session:
        session.add(
            WatchRow(promotion="x", model="census", stage="main", version="2", predecessor="1", since_seq=0)
        )
    assert score(stage)["state"] == "watching"
    assert "watched against version 1" in score(stage)["reason"]


def test_degraded_is_remembered_until_the_score_has_clearly_recovered(
    new_stage: Callable[..., Any],
) -> None:
    stage = new_stage(window=50, min_new_labels=1000)
    stage.rate(30, 20)
    assert score(stage)["state"] == "degraded"
    stage.rate(9, 41)
    stage.rate(41, 9)
    assert (score(stage)["value"], score(stage)["state"]) == (0.82, "degraded")
    stage.rate(42, 8)
    assert (score(stage)["value"], score(stage)["state"]) == (0.84, "healthy")


def test_the_cooldown_counts_from_the_end_of_the_last_retraining(new_stage: Callable[..., Any]) -> None:
    stage = new_stage(cooldown_s=3600)
    stage.end_run("promote", trigger="manual", finished_at=now() - timedelta(seconds=630))
    stage.rate(0, 50)
    assert stage.decisions()[0].state == "degraded"
    assert "the cooldown after the last run has 29" in stage.decisions()[0].reason


def test_the_run_that_trained_the_first_version_starts_no_cooldown(new_stage: Callable[..., Any]) -> None:
    stage = new_stage(cooldown_s=3600)
    stage.end_run("promote", trigger="initial")
    stage.rate(0, 50)
    assert stage.decisions()[0].state == "retraining"


def test_labels_older_than_the_champions_snapshot_are_not_new(new_stage: Callable[..., Any]) -> None:
    stage = new_stage(min_new_labels=40)
    stage.serve("2", feedback_seq=20)
    stage.rate(0, 20)
    stage.rate(0, 50, version="2")
    assert stage.decisions()[0].state == "retraining"
    stage.end_run("reject")
    stage.serve("3", feedback_seq=100)
    stage.rate(0, 50, version="3")
    assert "20 of the 40 labelled rows" in stage.decisions()[-1].reason


def test_after_a_hold_the_next_run_waits_for_more_rows(stage: Any) -> None:
    stage.rate(0, 50)
    stage.end_run("hold", n=35)
    stage.rate(0, 50)
    waiting = stage.decisions()[-1]
    assert waiting.state == "retraining"
    stage.end_run("hold", n=70)
    stage.rate(0, 50)
    assert (
        "decide on 70 test rows, the next should have 140, and there are about 105"
        in stage.decisions()[-1].reason
    )
    stage.rate(0, 50)
    assert stage.decisions()[-1].run is not None


def test_while_a_version_waits_for_a_maintainer_the_next_run_waits_for_more_rows(stage: Any) -> None:
    stage.rate(0, 50)
    gate = {"verdict": "promote", "waits": "Why.", "slice": "recent", "n": 70, "n_needed": None}
    stage.end_run(None, gate=gate, version="7")
    stage.rate(0, 50)
    assert (
        "version 7 passed the last gate, on 70 test rows, but waits for a maintainer because of whose labels "
        "those are, the next should have 140, and there are about 70" in stage.decisions()[-1].reason
    )
    stage.rate(0, 100)
    assert stage.decisions()[-1].run is not None


def test_a_hold_on_reference_rows_does_not_keep_the_score_from_opening_a_run(stage: Any) -> None:
    stage.end_run("hold", trigger="manual", gate={"verdict": "hold", "slice": "reference", "n": 6000})
    stage.rate(0, 50)
    assert stage.decisions()[0].state == "retraining"


def three_bad_runs(stage: Any) -> None:
    for verdict in ("reject", None, "reject"):
        stage.rate(0, 50)
        stage.end_run(verdict, status="failed" if verdict is None else "succeeded")


def test_three_bad_runs_pause_the_controller(stage: Any) -> None:
    three_bad_runs(stage)
    stage.rate(0, 50)
    assert len(stage.rows(RunRow)) == 3
    assert (stage.decisions()[-1].state, score(stage)["state"]) == ("paused", "paused")
    assert "the last 3 runs ended as reject, failed, reject" in score(stage)["reason"]


def test_a_maintainer_resumes_a_paused_controller_with_a_reason(stage: Any) -> None:
    three_bad_runs(stage)
    shown = stage.feedback.resume("census", MAINTAINER, "The labels are right again.")
    assert shown["state"] == "degraded"
    assert stage.decisions()[-1].reason.startswith("mia resumed retraining: The labels are right again. ")
    stage.rate(0, 50)
    assert (stage.decisions()[-1].state, len(stage.rows(RunRow))) == ("retraining", 4)


def test_resuming_delays_no_checkpoint(stage: Any) -> None:
    stage.rate(50)
    stage.rate(30)
    stage.feedback.resume("census", MAINTAINER, "to see")
    stage.rate(20)
    assert [row.score["n"] for row in stage.decisions()] == [50, 80, 100]


def test_a_new_dataset_version_closes_the_circuit_breaker(stage: Any) -> None:
    three_bad_runs(stage)
    assert score(stage)["state"] == "paused"
    with stage.database.transaction() as session:
        for version, kind in ((1, "snapshot"), (2, "upload")):
            session.add(
                DatasetVersionRow(
                    dataset="census", version=version, revision="r", kind=kind, rows=1, sha256="0"
                )
            )
    assert score(stage)["state"] == "degraded"


def test_what_people_tried_in_vain_pauses_nothing(stage: Any) -> None:
    for _ in range(4):
        stage.end_run("reject", trigger="manual")
    stage.rate(0, 50)
    assert stage.decisions()[-1].state == "retraining"


def test_nobody_resumes_a_model_that_is_not_there(stage: Any) -> None:
    with pytest.raises(NotFound):
        stage.feedback.resume("wine", MAINTAINER, "why not")

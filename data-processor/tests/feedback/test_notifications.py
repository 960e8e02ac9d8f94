"""What people are told of the score, in the transaction of the feedback that showed it."""

from typing import Any

import pytest

from data_processor.feedback.facts import AUTOMATIC
from data_processor.models.ledger import Ledger
from data_processor.notifications.events import EVENT_TYPES
from data_processor.rows import DestinationRow, NotificationRow, RunRow
from data_processor.runs.service import Runs
from data_processor.training.outcomes import tell_of_end

Stage = Any


@pytest.fixture
def told(stage: Stage) -> Stage:
    """A stage of which somebody wants to know everything."""
    with stage.database.transaction() as session:
        session.add(
            DestinationRow(
                id="d", name="ops", kind="webhook", address="", secret="", shown="", subject="mia",
                events=list(EVENT_TYPES),
            )
        )  # fmt: skip
    return stage


def events(stage: Stage) -> list[tuple[str, str | None]]:
    rows = sorted(stage.rows(NotificationRow), key=lambda row: row.at)
    return [(row.type, row.version) for row in rows]


def ended(stage: Stage, verdict: str | None, *, status: str = "succeeded", **fields: Any) -> None:
    """End a run, as the engine does."""
    stage.end_run(verdict, status=status, **fields)
    with stage.database.transaction() as session:
        run = session.query(RunRow).order_by(RunRow.finished_at.desc()).first()
        if run.gate:
            run.gate = {**run.gate, "reason": "Because."}
        tell_of_end(session, run)


def test_a_score_that_falls_is_told_of_once(told: Stage) -> None:
    told.rate(20, 30)
    assert sorted(events(told)) == [("run.opened", None), ("score.fell", "1")]
    [fell] = [row for row in told.rows(NotificationRow) if row.type == "score.fell"]
    [run] = told.rows(RunRow)
    assert fell.run == run.id
    assert "20 of the last 50 predictions of version 1 with feedback were right: 40.0 %" in fell.message
    told.rate(20, 30)
    assert len(events(told)) == 2, "It was degraded before."


def test_a_score_that_does_not_fall_is_nothing_to_tell(told: Stage) -> None:
    told.rate(50)
    assert events(told) == []


@pytest.mark.parametrize(("verdict", "event"), [("hold", "run.held"), ("reject", "run.rejected")])
def test_a_verdict_against_a_version_is_told_of(told: Stage, verdict: str, event: str) -> None:
    ended(told, verdict, version="2")
    assert events(told) == [(event, "2")]


def test_an_accepted_version_that_nobody_promoted_waits_for_a_maintainer(told: Stage) -> None:
    ended(told, "promote", version="2")
    [row] = told.rows(NotificationRow)
    assert (row.type, row.version) == ("version.waiting", "2")
    assert "passed its gate and waits for a maintainer" in row.message


def test_the_runs_that_open_the_circuit_breaker_say_so_once(told: Stage) -> None:
    for _ in range(3):
        ended(told, None, status="failed")
    assert [event for event, _ in events(told)] == ["retraining.paused"]
    assert "score" in AUTOMATIC


def test_runs_of_people_pause_nothing(told: Stage) -> None:
    for _ in range(3):
        ended(told, None, status="failed", trigger="manual")
    assert events(told) == []


def test_moves_of_the_stage_are_told_of(told: Stage) -> None:
    told.serve("2")
    told.serve("1")
    ledger = Ledger(told.database)
    ledger.promote("census", "main", "2", "mia", "It is better.", override=True)
    ledger.rollback("census", "main", "mia", "It is not.")
    assert events(told) == [("version.promoted", "2"), ("version.rolled_back", "1")]
    promoted, back = sorted(told.rows(NotificationRow), key=lambda row: row.at)
    assert promoted.message == (
        "Stage 'main' serves version 2 of 'census', in place of version 1. mia: It is better."
    )
    assert back.message.startswith("Stage 'main' serves version 1 of 'census' again, in place of version 2.")


def test_a_run_that_a_person_opens_is_told_of(told: Stage) -> None:
    run = Runs(told.database, "main").open(None, "census", trigger="manual", reason="To try.", subject="mia")
    [row] = told.rows(NotificationRow)
    assert (row.type, row.run) == ("run.opened", run.id)
    assert row.message == "mia opened a training run of 'census'. To try."

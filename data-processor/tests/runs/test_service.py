from collections.abc import Iterator
from pathlib import Path

import pytest

from data_processor.database import Database
from data_processor.models.policy import Policy
from data_processor.rows import ModelRow, RunRow
from data_processor.runs.events import PAGE, RunLog
from data_processor.runs.service import Runs
from data_processor.service.database import now
from data_processor.service.errors import Conflict, NotFound


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(f"sqlite:///{tmp_path / 'records.db'}")
    opened.create_tables()
    with opened.transaction() as session:
        for name in ("census", "wine"):
            session.add(
                ModelRow(
                    name=name,
                    task="tabular-classification",
                    dataset=name,
                    target="y",
                    salt="s",
                    policy=Policy().model_dump(mode="json"),
                )
            )
    yield opened
    opened.close()


@pytest.fixture
def runs(database: Database) -> Runs:
    return Runs(database, "main")


def start(runs: Runs, model: str = "census") -> RunRow:
    return runs.open(None, model, trigger="manual", reason="to try it", subject="ada")


def end(database: Database, run: str, status: str) -> None:
    RunLog(database, run).append("status", {"status": status}, status=status, finished_at=now())


def test_a_run_is_queued_with_what_was_asked_for(runs: Runs) -> None:
    run = runs.open(
        None, "census", trigger="score", reason="it fell", subject="loopkeeper", options={"budget_s": 5}
    )
    found = runs.get(run.id)
    assert (found.status, found.kind, found.stage, found.trigger) == ("queued", "training", "main", "score")
    assert (found.reason, found.subject, found.options) == ("it fell", "loopkeeper", {"budget_s": 5})


def test_a_second_run_of_a_model_is_refused_with_the_open_ones_id(runs: Runs) -> None:
    first = start(runs)
    with pytest.raises(Conflict) as refused:
        start(runs)
    assert refused.value.extra == {"run": first.id}


def test_another_model_may_run_at_the_same_time(runs: Runs) -> None:
    start(runs)
    assert start(runs, "wine").status == "queued"


@pytest.mark.parametrize("status", ["succeeded", "failed", "cancelled"])
def test_a_model_may_run_again_when_its_run_has_ended(runs: Runs, database: Database, status: str) -> None:
    end(database, start(runs).id, status)
    assert start(runs).status == "queued"


def test_an_unknown_model_has_no_runs(runs: Runs) -> None:
    with pytest.raises(NotFound):
        start(runs, "nobody")


def test_a_run_opened_in_a_transaction_that_fails_was_never_there(runs: Runs, database: Database) -> None:
    def decide_and_stumble() -> None:
        with database.transaction() as session:
            runs.open(session, "census", trigger="score", reason="it fell", subject="loopkeeper")
            raise RuntimeError("power cut")

    with pytest.raises(RuntimeError, match="power cut"):
        decide_and_stumble()
    assert runs.page() == []


def test_runs_are_listed_newest_first_and_filtered(runs: Runs, database: Database) -> None:
    first, other = start(runs), start(runs, "wine")
    end(database, first.id, "failed")
    second = start(runs)
    assert [row.id for row in runs.page()] == [second.id, other.id, first.id]
    assert [row.id for row in runs.page(model="census")] == [second.id, first.id]
    assert [row.id for row in runs.page(status="failed")] == [first.id]
    assert runs.page(kind="profile") == []
    assert [row.id for row in runs.page(limit=1)] == [second.id]


def test_a_queued_run_is_cancelled_at_once(runs: Runs) -> None:
    run = start(runs)
    assert runs.cancel(run.id, "ada").status == "cancelled"
    assert runs.get(run.id).finished_at is not None


def test_a_running_run_is_asked_to_end(runs: Runs, database: Database) -> None:
    run = start(runs)
    RunLog(database, run.id).append("status", {"status": "running"}, status="running")
    cancelled = runs.cancel(run.id, "ada")
    assert (cancelled.status, cancelled.cancel_requested) == ("running", True)


def test_cancelling_twice_changes_nothing(runs: Runs) -> None:
    run = start(runs)
    runs.cancel(run.id, "ada")
    written = runs.events(run.id)
    assert runs.cancel(run.id, "bob").status == "cancelled"
    assert runs.events(run.id) == written


@pytest.mark.parametrize("status", ["succeeded", "failed"])
def test_a_run_that_has_ended_cannot_be_cancelled(runs: Runs, database: Database, status: str) -> None:
    run = start(runs)
    end(database, run.id, status)
    with pytest.raises(Conflict, match=status):
        runs.cancel(run.id, "ada")


def test_events_are_numbered_and_read_from_anywhere(runs: Runs, database: Database) -> None:
    run = start(runs)
    journal = RunLog(database, run.id)
    journal.append("step", {"step": "search", "state": "started"}, step="search", progress=0.2)
    journal.metric("loss", 0.25, candidate="random-forest")
    events, closed = runs.events(run.id)
    assert [event.seq for event in events] == [1, 2, 3]
    assert not closed
    assert [event.seq for event in runs.events(run.id, after=2)[0]] == [3]
    metric = events[2].as_json()
    assert (metric["type"], metric["name"], metric["candidate"]) == ("metric", "loss", "random-forest")
    assert metric["at"].endswith("Z")
    assert (runs.get(run.id).step, runs.get(run.id).progress) == ("search", 0.2)


def test_events_close_with_the_last_of_a_run_that_has_ended(runs: Runs, database: Database) -> None:
    run = start(runs)
    journal = RunLog(database, run.id)
    for number in range(PAGE):
        journal.say(f"{number}")
    end(database, run.id, "succeeded")
    first, closed = runs.events(run.id)
    assert (len(first), closed) == (PAGE, False)
    rest, closed = runs.events(run.id, after=first[-1].seq)
    assert (rest[-1].body, closed) == ({"status": "succeeded"}, True)
    assert runs.events(run.id, after=rest[-1].seq) == ([], True)


def test_the_log_tells_everything_in_order(runs: Runs, database: Database) -> None:
    run = start(runs)
    journal = RunLog(database, run.id)
    journal.append("step", {"step": "split", "state": "finished", "seconds": 1.5})
    try:
        int("no rows")
    except ValueError as error:
        journal.error(error)
    lines = "".join(runs.log(run.id)).splitlines()
    assert "STATUS status=queued" in lines[0]
    assert "STEP split finished after 1.50 s" in lines[1]
    assert "ERROR Traceback" in lines[2]
    assert lines[-1] == "ValueError: invalid literal for int() with base 10: 'no rows'"


def test_durations_are_those_of_finished_steps(runs: Runs, database: Database) -> None:
    run = start(runs)
    journal = RunLog(database, run.id)
    journal.append("step", {"step": "split", "state": "started"})
    journal.append("step", {"step": "split", "state": "finished", "seconds": 1.5})
    journal.append("step", {"step": "search", "state": "started"})
    assert runs.durations(run.id) == [{"step": "split", "seconds": 1.5}]


def test_an_unknown_run_is_not_found_by_any_question(runs: Runs) -> None:
    for ask in (runs.get, runs.events, runs.log):
        with pytest.raises(NotFound):
            ask("nobody")
    with pytest.raises(NotFound):
        runs.cancel("nobody", "ada")

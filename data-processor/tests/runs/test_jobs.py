from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from pydantic import SecretStr
from sqlalchemy import select

from data_processor.database import Database
from data_processor.rows import DestinationRow, NotificationRow, RunRow
from data_processor.runs.jobs import Jobs, Work
from data_processor.runs.metrics import RunMetrics
from data_processor.runs.service import Runs
from data_processor.settings import Settings


class Plant:
    """One kind of work, and the runs of it that are to be carried out."""

    def __init__(self, folder: Path) -> None:
        self.settings = Settings(
            service_token=SecretStr("t" * 16),
            caller_key=SecretStr("k" * 16),
            signing_key=SecretStr("s" * 16),
            state_dir=folder,
        )
        self.database = Database(self.settings.records_url)
        self.database.create_tables()
        self.counted = CollectorRegistry()
        work = Work("evaluation", {"assess": 1.0})
        self.jobs = Jobs(self.settings, self.database, [work], RunMetrics(self.counted))
        self.runs = Runs(self.database, self.settings.stage)

    def queue(self) -> str:
        with self.database.transaction() as session:
            said: dict[str, Any] = {"trigger": "manual", "reason": "to try it", "subject": "ada"}
            return self.runs.queue(session, "evaluation", model="census", dataset="census", **said).id

    def row(self, run: str) -> RunRow:
        return self.runs.get(run)

    def ended(self, status: str) -> float | None:
        labels = {"kind": "evaluation", "model": "census", "trigger": "manual", "status": status}
        return self.counted.get_sample_value("loopkeeper_runs_total", labels)


@pytest.fixture
def plant(tmp_path: Path) -> Plant:
    return Plant(tmp_path)


def test_a_run_whose_job_ended_without_a_word_fails_and_others_go_on(plant: Plant) -> None:
    left, busy = plant.queue(), plant.queue()
    plant.jobs.fail_abandoned(lambda run: "ERROR" if run == left else None)
    row = plant.row(left)
    assert (row.status, row.error) == (
        "failed",
        "The run's job ended as ERROR without a result; see the worker's log for the reason.",
    )
    assert plant.row(busy).status == "queued"
    plant.jobs.fail_abandoned(lambda _run: None)
    assert plant.ended("failed") == 1


def test_a_run_that_ends_while_one_looks_for_abandoned_ones_ends_once(plant: Plant) -> None:
    run = plant.queue()

    def ends_meanwhile(found: str) -> str:
        plant.jobs.finish(found, {})
        return "SUCCESS"

    plant.jobs.fail_abandoned(ends_meanwhile)
    assert (plant.row(run).status, plant.row(run).error) == ("succeeded", None)
    assert (plant.ended("succeeded"), plant.ended("failed")) == (1, None)


def test_a_run_that_nobody_asked_for_begins_a_trace_of_its_own_and_keeps_it(plant: Plant) -> None:
    run = plant.queue()
    assert plant.row(run).trace_id is None
    plant.jobs.begin(run)
    begun = plant.row(run).traceparent
    assert begun is not None
    plant.jobs.begin(run)
    plant.jobs.finish(run, {"end": "cancelled"})
    assert plant.row(run).traceparent == begun


@pytest.mark.parametrize(("subject", "told"), [("loopkeeper", 1), ("ada", 0)])
def test_people_are_told_when_work_fails_that_nobody_waits_for(plant: Plant, subject: str, told: int) -> None:
    with plant.database.transaction() as session:
        session.add(
            DestinationRow(
                id="d", name="ops", kind="webhook", address="", secret="", shown="", subject="mia",
                events=["run.failed"],
            )
        )  # fmt: skip
    run = plant.runs.queue(None, "evaluation", model="census", trigger="drift", reason="", subject=subject).id
    for _ in range(2):  # a step may be repeated
        plant.jobs.finish(run, {"end": "failed", "error": "No data."})
    with plant.database.reading() as session:
        found = list(session.scalars(select(NotificationRow)))
    assert [row.message for row in found] == [f"Run {run} (evaluation of 'census') failed: No data."] * told

"""How background work of any kind is carried out: as a run, step by step, resumed after a crash.

    Runs.queue ──▶ row in `runs` ──▶ worker ──▶ workflow: begin ─▶ step ─▶ step … ─▶ finish
                        ▲                                  │
                        └── status, step, progress, events, result, error

A workflow only orchestrates: every step may be repeated. One that was interrupted starts again; one that was
finished is remembered and never runs a second time. The heavy ones run in the run's child process
(`compute.py`) and leave their results in the run's folder. What kinds there are is said in `kinds.py`.
"""

import shutil
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from threading import Lock
from typing import Any, Literal, TypedDict

import structlog
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from data_processor.database import Database
from data_processor.monitoring.runs import RunMetrics
from data_processor.rows import OPEN_RUN, RunRow
from data_processor.service.database import now
from data_processor.service.errors import Problem
from data_processor.settings import Settings
from data_processor.training.child import Child, ChildFailedError, ChildGoneError
from data_processor.training.events import RunLog, append

ONE_AT_A_TIME = {"worker_concurrency": 1}
PROMPT_S, UNHURRIED_S = 0.5, 2.0
"""Seconds between two looks into a kind's queue: every look costs, and most find nothing."""

Ask = Callable[[str], dict[str, Any]]
"""Carries out a step as the task of this name in the run's child process."""

log = structlog.get_logger(__name__)


class Outcome(TypedDict, total=False):
    """What a step says to the workflow. Plain values: DBOS keeps it as JSON."""

    end: Literal["succeeded", "failed", "cancelled"]
    """The run is over, and how; absent while it goes on."""
    error: str
    """Why it failed, in one sentence."""
    verdict: str
    """What the gate said."""


class Work:
    """One kind of background work; it needs a class of its own only if a step is no task of the child."""

    poll_s = UNHURRIED_S
    """Seconds that a run may wait to be noticed, beside what it waits for others."""

    def __init__(
        self,
        kind: str,
        steps: Mapping[str, float],
        *,
        limits: Mapping[str, Any] | None = None,
        arguments: Callable[[RunRow], dict[str, Any]] = lambda _row: {},
    ) -> None:
        """Name the kind and its steps in order.

        `steps` says which share of a run is behind it after each, about as the clock sees it; `limits` how
        many run at once, as DBOS takes it; `arguments` what a run's tasks are called with.
        """
        self.kind = kind
        self.steps = steps
        self.limits = limits or ONE_AT_A_TIME
        self._arguments = arguments

    @property
    def workflow(self) -> str:
        """What DBOS knows it by, for ever: what is under way survives an upgrade."""
        return self.kind

    @property
    def partitioned(self) -> bool:
        """Whether the runs of each model stand in a line of their own."""
        return any(name.startswith("partition") for name in self.limits)

    def takes(self, step: str, verdict: str | None) -> bool:
        """Say whether a run comes to a step, given what the gate said so far."""
        del step, verdict
        return True

    def act(self, row: RunRow, step: str, ask: Ask, journal: RunLog) -> dict[str, Any]:
        """Carry out a step; `row` in the answer are fields of the run's row, `result` what it found out."""
        del row, journal
        return ask(step)

    def arguments(self, row: RunRow) -> dict[str, Any]:
        """Return what the tasks of a run are called with."""
        return self._arguments(row)

    def close(self, session: Session, row: RunRow) -> None:
        """Write down what else follows from a run's end, in the transaction that ends it."""

    def clear(self, row: RunRow) -> None:
        """Remove what an ended run needs no more, beside its folder."""


class Jobs:
    """The runs that this worker carries out."""

    def __init__(
        self, settings: Settings, database: Database, kinds: Iterable[Work], metrics: RunMetrics
    ) -> None:
        """Carry out these kinds of work."""
        self._settings = settings
        self._database = database
        self._metrics = metrics
        self._children: dict[str, Child] = {}
        self._turn = Lock()
        self.kinds = {work.kind: work for work in kinds}

    def open_runs(self) -> list[RunRow]:
        """Return the stage's open runs of these kinds."""
        mine = (RunRow.status.in_(OPEN_RUN), RunRow.stage == self._settings.stage)
        with self._database.reading() as session:
            return list(session.scalars(select(RunRow).where(*mine, RunRow.kind.in_(self.kinds))))

    def begin(self, run: str) -> Outcome:
        """Take a queued run, unless it was cancelled while it waited; start its child process."""
        with self._database.transaction() as session:
            row = session.scalars(self._database.lock(_run(run))).one()
            if row.status not in OPEN_RUN:
                return {"end": "cancelled"}
            if row.status == "queued":
                row.status, row.started_at = "running", now()
                append(session, run, "status", {"status": "running"})
        self._child(run)
        return {}

    def carry_out(self, run: str, step: str) -> Outcome:
        """Carry out one step, write down when it began and how long it took; say whether the run goes on."""
        row = self._row(run)
        if row.cancel_requested:
            return {"end": "cancelled"}
        work = self.kinds[row.kind]
        journal = RunLog(self._database, run)
        began = time.monotonic()
        state = "resumed" if row.step == step else "started"
        journal.append("step", {"step": step, "state": state}, step=step)
        arguments = work.arguments(row)
        try:
            said = work.act(row, step, lambda task: self._child(run).ask(task, **arguments), journal)
        except (ChildFailedError, ChildGoneError, Problem) as error:
            if self._row(run).cancel_requested:
                return {"end": "cancelled"}
            journal.append("step", {"step": step, "state": "failed"})
            return {"end": "failed", "error": str(error)}
        seconds = round(time.monotonic() - began, 3)
        journal.append(
            "step",
            {"step": step, "state": "finished", "seconds": seconds},
            result=said.get("result"),
            progress=work.steps[step],
            **said.get("row", {}),
        )
        self._metrics.step(step, seconds)
        log.info("step_finished", run=run, kind=row.kind, model=row.model, step=step, seconds=seconds)
        return {"verdict": said["verdict"]} if "verdict" in said else {}

    def finish(self, run: str, outcome: Outcome) -> None:
        """Write down how a run ended, let its child go and clear its folder."""
        status, error = outcome.get("end", "succeeded"), outcome.get("error")
        with self._database.transaction() as session:
            row = session.scalars(self._database.lock(_run(run))).one()
            if row.status in OPEN_RUN:
                row.status, row.error, row.finished_at = status, error, now()
                row.progress = 1.0 if status == "succeeded" else row.progress
                append(session, run, "status", {"status": status, **({"error": error} if error else {})})
            work = self.kinds[row.kind]
            work.close(session, row)
        with self._turn:
            child = self._children.pop(run, None)
        if child is not None:
            child.close()
        shutil.rmtree(self._folder(run), ignore_errors=True)
        work.clear(row)
        self._metrics.ended(row.kind, row.model, row.trigger, row.status)
        log.info("run_finished", run=run, kind=row.kind, model=row.model, status=row.status, error=row.error)

    def fail_abandoned(self, end_of_job: Callable[[str], str | None]) -> None:
        """Fail every open run whose job has ended: only a defect or a lost database leaves one.

        `end_of_job` says how the job of a run ended, and nothing while it goes on.
        """
        for row in self.open_runs():
            end = end_of_job(row.id)
            # Looked at once more: a job that ends as it should ends its run first, maybe a moment ago.
            if end is not None and self._row(row.id).status in OPEN_RUN:
                sentence = f"The run's job ended as {end} without a result; the worker's log says why."
                self.finish(row.id, {"end": "failed", "error": sentence})

    def cancel(self, run: str) -> None:
        """End what a run is doing at once; its workflow then ends it as `cancelled`."""
        with self._turn:
            child = self._children.get(run)
        if child is not None:
            child.kill()

    def _child(self, run: str) -> Child:
        with self._turn:
            if run not in self._children:
                self._children[run] = Child(self._settings, self._folder(run), run)
            return self._children[run]

    def _folder(self, run: str) -> Path:
        return self._settings.runs_dir / run

    def _row(self, run: str) -> RunRow:
        with self._database.reading() as session:
            return session.scalars(_run(run)).one()


def carry_through(jobs: Jobs, work: Work, run: str, call: Callable[..., Any]) -> str:
    """Carry a run through all its steps, each by `call(name, action, *arguments)`; return how it ended."""
    outcome: Outcome = call("begin", jobs.begin, run)
    verdict = None
    for name in work.steps:
        if "end" not in outcome and work.takes(name, verdict):
            outcome = call(name, jobs.carry_out, run, name)
            verdict = outcome.get("verdict", verdict)
    call("finish", jobs.finish, run, outcome)
    return outcome.get("end", "succeeded")


def _run(run: str) -> Select[RunRow]:
    return select(RunRow).where(RunRow.id == run)

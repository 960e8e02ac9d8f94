"""The job engine: carries out background work of every kind as runs, step by step, resumed after a crash.

    Runs.queue ──▶ row in `runs` ──▶ worker ──▶ workflow: begin ─▶ step ─▶ step … ─▶ finish
                        ▲                                  │
                        └── status, step, progress, events, result, error

A workflow only orchestrates, and every step may be repeated: one that was interrupted starts again, one that
finished is remembered and never runs again. Heavy steps run in the child process of the run (`compute.py`)
and leave their results in the run's folder. `wiring/kinds.py` lists the kinds of work.
"""

import shutil
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from threading import Lock
from typing import Any, Literal, TypedDict

import structlog
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from data_processor.caller import PLATFORM
from data_processor.database import Database
from data_processor.notifications.events import record
from data_processor.rows import OPEN_RUN, RunRow
from data_processor.runs.child import Child, ChildFailedError, ChildGoneError
from data_processor.runs.events import RunLog, append
from data_processor.runs.metrics import RunMetrics
from data_processor.runs.repository import open_runs
from data_processor.service.database import now
from data_processor.service.errors import Problem
from data_processor.service.signals import DeclaredLine, DeclaredSpan
from data_processor.service.spans import Traced, traced
from data_processor.service.trace_context import parse_traceparent
from data_processor.settings import Settings

ONE_AT_A_TIME = {"worker_concurrency": 1}
PROMPT_S, UNHURRIED_S = 0.5, 2.0
"""Seconds between two polls of a queue: each poll costs something, and most find nothing."""

Ask = Callable[[str], dict[str, Any]]
"""Carries out the task of this name in the child process of a run, and returns its result."""

SPANS = (
    DeclaredSpan(
        "{step} {kind}",
        "consumer",
        "A step of a run, by the kind of the run; `begin` and `finish` are steps of all.",
        (
            "messaging.system",
            "messaging.operation.type",
            "messaging.operation.name",
            "messaging.destination.name",
            "messaging.message.id",
            "loopkeeper.model",
        ),
        ("error.type",),
    ),
)
LINES = (
    DeclaredLine("step_finished", "A step of a run is done.", ("run", "kind", "model", "step", "seconds")),
    DeclaredLine("run_finished", "A run ended.", ("run", "kind", "model", "status", "error")),
)
log = structlog.get_logger(__name__)


class Outcome(TypedDict, total=False):
    """What a step tells the workflow, in plain values: DBOS stores it as JSON."""

    end: Literal["succeeded", "failed", "cancelled"]
    """How the run has ended; absent while it goes on."""
    error: str
    """Why it failed, in one sentence."""
    verdict: str
    """The verdict of the gate."""


class Work:
    """One kind of background work; it needs a subclass only if a step is not a task of the child."""

    poll_s = UNHURRIED_S
    """Seconds between two polls of the kind's queue."""

    def __init__(
        self,
        kind: str,
        steps: Mapping[str, float],
        *,
        limits: Mapping[str, Any] | None = None,
        arguments: Callable[[RunRow], dict[str, Any]] = lambda _row: {},
    ) -> None:
        """Name the kind and its steps in order.

        `steps` says which share of a run is done after each, roughly by time; `limits` how many run at once,
        as options of a DBOS queue; `arguments` what the tasks of a run are called with.
        """
        self.kind = kind
        self.steps = steps
        self.limits = limits or ONE_AT_A_TIME
        self._arguments = arguments

    @property
    def workflow(self) -> str:
        """The name of its workflow in DBOS; it never changes, so that runs under way survive an upgrade."""
        return self.kind

    @property
    def partitioned(self) -> bool:
        """Whether each model has a queue of its own."""
        return any(name.startswith("partition") for name in self.limits)

    def takes(self, step: str, verdict: str | None) -> bool:
        """Return whether a run takes a step, given the verdict of the gate so far."""
        del step, verdict
        return True

    def act(self, row: RunRow, step: str, ask: Ask, journal: RunLog) -> dict[str, Any]:
        """Carry out a step; `row` in the result sets fields of the run's row, `result` the run's result."""
        del row, journal
        return ask(step)

    def arguments(self, row: RunRow) -> dict[str, Any]:
        """Return the arguments of the tasks of a run."""
        return self._arguments(row)

    def close(self, session: Session, row: RunRow) -> None:
        """Record what follows from the end of a run, in the transaction that ends it."""

    def clear(self, row: RunRow) -> None:
        """Remove what an ended run no longer needs, apart from its folder."""


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
        """Return the open runs of the stage and of these kinds, oldest first."""
        with self._database.reading() as session:
            return open_runs(session, stage=self._settings.stage, kinds=self.kinds)

    def begin(self, run: str) -> Outcome:
        """Start a queued run and its child process, unless it was cancelled while it waited."""
        with (
            self._traced(self._row(run), "begin") as work,
            self._database.transaction() as session,
        ):
            row = session.scalars(self._database.lock(_run(run))).one()
            if row.status not in OPEN_RUN:
                return {"end": "cancelled"}
            row.traceparent = row.traceparent or work.ids.traceparent.header
            if row.status == "queued":
                row.status, row.started_at = "running", now()
                append(session, run, "status", {"status": "running"})
        self._child(run)
        return {}

    def carry_out(self, run: str, step: str) -> Outcome:
        """Carry out one step, record when it started and how long it took; return whether the run goes on."""
        row = self._row(run)
        with self._traced(row, step) as traced_step:
            outcome = self._carry_out(row, step)
            traced_step.error = "step_failed" if outcome.get("end") == "failed" else None
            return outcome

    def _carry_out(self, row: RunRow, step: str) -> Outcome:
        run = row.id
        if row.cancel_requested:
            return {"end": "cancelled"}
        work = self.kinds[row.kind]
        journal = RunLog(self._database, run)
        began = time.monotonic()
        state = "resumed" if row.step == step else "started"
        journal.append("step", {"step": step, "state": state}, step=step)
        arguments = work.arguments(row)
        try:
            found = work.act(row, step, lambda task: self._child(run).ask(task, **arguments), journal)
        except (ChildFailedError, ChildGoneError, Problem) as error:
            if self._row(run).cancel_requested:
                return {"end": "cancelled"}
            journal.append("step", {"step": step, "state": "failed"})
            return {"end": "failed", "error": str(error)}
        seconds = round(time.monotonic() - began, 3)
        journal.append(
            "step",
            {"step": step, "state": "finished", "seconds": seconds},
            result=found.get("result"),
            progress=work.steps[step],
            **found.get("row", {}),
        )
        self._metrics.step(step, seconds)
        log.info("step_finished", run=run, kind=row.kind, model=row.model, step=step, seconds=seconds)
        return {"verdict": found["verdict"]} if "verdict" in found else {}

    def finish(self, run: str, outcome: Outcome) -> None:
        """Record how a run ended, end its child and remove its folder."""
        with self._traced(self._row(run), "finish") as finishing:
            self._finish(run, outcome)
            finishing.error = "run_failed" if outcome.get("end") == "failed" else None

    def _finish(self, run: str, outcome: Outcome) -> None:
        status, error = outcome.get("end", "succeeded"), outcome.get("error")
        with self._database.transaction() as session:
            row = session.scalars(self._database.lock(_run(run))).one()
            if row.status in OPEN_RUN:
                row.status, row.error, row.finished_at = status, error, now()
                row.progress = 1.0 if status == "succeeded" else row.progress
                append(session, run, "status", {"status": status, **({"error": error} if error else {})})
                if status == "failed" and (row.kind == "training" or row.subject == PLATFORM):
                    _tell_of_failure(session, row)
            work = self.kinds[row.kind]
            work.close(session, row)
        with self._turn:
            child = self._children.pop(run, None)
        if child is not None:
            child.close()
        shutil.rmtree(self._folder(run), ignore_errors=True)
        work.clear(row)
        ran = row.finished_at - row.started_at if row.finished_at and row.started_at else None
        self._metrics.ended(
            row.kind,
            row.model,
            row.trigger,
            row.status,
            seconds=ran.total_seconds() if ran else None,
            verdict=(row.gate or {}).get("verdict"),
        )
        log.info("run_finished", run=run, kind=row.kind, model=row.model, status=row.status, error=row.error)

    def fail_abandoned(self, end_of_job: Callable[[str], str | None]) -> None:
        """Fail every open run whose workflow has ended: only a defect or a lost database leaves one.

        `end_of_job` returns how the workflow of a run ended, or None while it goes on.
        """
        for row in self.open_runs():
            end = end_of_job(row.id)
            # Read again: a workflow ends its run before it ends itself, perhaps just now.
            if end is not None and self._row(row.id).status in OPEN_RUN:
                sentence = (
                    f"The run's job ended as {end} without a result; see the worker's log for the reason."
                )
                self.finish(row.id, {"end": "failed", "error": sentence})

    def cancel(self, run: str) -> None:
        """Kill what a run is doing; its workflow then ends it as `cancelled`."""
        with self._turn:
            child = self._children.get(run)
        if child is not None:
            child.kill()

    def _child(self, run: str) -> Child:
        with self._turn:
            if run not in self._children:
                self._children[run] = Child(self._settings, self._folder(run), run)
            return self._children[run]

    def _traced(self, row: RunRow, step: str) -> AbstractContextManager[Traced]:
        """Do a step in the trace of its run; a run that nobody asked for begins one, which is sampled."""
        attributes = {
            "messaging.system": "dbos",
            "messaging.operation.type": "process",
            "messaging.operation.name": step,
            "messaging.destination.name": row.kind,
            "messaging.message.id": row.id,
            "loopkeeper.model": row.model,
        }
        return traced(f"{step} {row.kind}", parse_traceparent(row.traceparent), "consumer", attributes)

    def _folder(self, run: str) -> Path:
        return self._settings.runs_dir / run

    def _row(self, run: str) -> RunRow:
        with self._database.reading() as session:
            return session.scalars(_run(run)).one()


def carry_through(jobs: Jobs, work: Work, run: str, call: Callable[..., Any]) -> str:
    """Carry out all steps of a run, each by `call(name, action, *arguments)`; return how the run ended."""
    outcome: Outcome = call("begin", jobs.begin, run)
    verdict = None
    for name in work.steps:
        if "end" not in outcome and work.takes(name, verdict):
            outcome = call(name, jobs.carry_out, run, name)
            verdict = outcome.get("verdict", verdict)
    call("finish", jobs.finish, run, outcome)
    return outcome.get("end", "succeeded")


def _tell_of_failure(session: Session, row: RunRow) -> None:
    about = row.model or row.dataset
    record(
        session,
        "run.failed",
        stage=row.stage,
        model=row.model,
        about=row.id,
        run=row.id,
        message=f"Run {row.id} ({row.kind} of {about!r}) failed: {row.error}",
    )


def _run(run: str) -> Select[RunRow]:
    return select(RunRow).where(RunRow.id == run)

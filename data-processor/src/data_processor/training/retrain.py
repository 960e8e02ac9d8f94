"""The retrain workflow. It only orchestrates: every side effect is a named step that may be repeated.

A step that was interrupted starts again; one that was finished is remembered and never runs a second time.
The heavy steps run in the run's child process (`compute.py`) and leave their results in the run's folder.
"""

import shutil
import time
from collections.abc import Callable
from threading import Lock
from typing import Any, Literal, TypedDict

import structlog
from dbos import DBOS
from sqlalchemy import Select, select

from data_processor.caller import PLATFORM
from data_processor.database import OPEN_RUN, Database, RunRow, now
from data_processor.models.ledger import Ledger
from data_processor.models.policy import Policy
from data_processor.models.reconcile import Reconciler
from data_processor.models.registry import Registry
from data_processor.monitoring.runs import RunMetrics
from data_processor.service.errors import Conflict, Problem
from data_processor.settings import Settings
from data_processor.training.child import Child, ChildFailedError, ChildGoneError
from data_processor.training.events import RunLog, append

WORKFLOW = "retrain"
TRAINING = ("snapshot", "validate", "split", "search", "gate", "compile", "register")
"""From data to a registered version; every challenger that met the gate is registered, with its receipt."""
DEPLOYMENT = ("smoke", "promote", "alias")
"""From a version whose receipt says `promote` to the stage that serves it."""
PROGRESS = {
    "snapshot": 0.10,
    "validate": 0.14,
    "split": 0.18,
    "search": 0.60,
    "gate": 0.72,
    "compile": 0.80,
    "register": 0.90,
    "smoke": 0.94,
    "promote": 0.97,
    "alias": 1.0,
}
"""The share of a run that is behind it after each step, about as the clock sees it."""

log = structlog.get_logger(__name__)


class Outcome(TypedDict, total=False):
    """What a step says to the workflow. Plain values: DBOS keeps it as JSON."""

    end: Literal["succeeded", "failed", "cancelled"]
    """The run is over, and how; absent while it goes on."""
    error: str
    """Why it failed, in one sentence."""
    verdict: str
    """What the gate said."""


class Retraining:
    """The steps of retrain runs, carried out by this worker."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        *,
        registry: Registry,
        ledger: Ledger,
        reconciler: Reconciler,
        metrics: RunMetrics,
    ) -> None:
        """Work with these settings, records and stage."""
        self._settings = settings
        self._database = database
        self._registry = registry
        self._ledger = ledger
        self._reconciler = reconciler
        self._metrics = metrics
        self._children: dict[str, Child] = {}
        self._turn = Lock()

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
        journal = RunLog(self._database, run)
        began = time.monotonic()
        state = "resumed" if row.step == step else "started"
        journal.append("step", {"step": step, "state": state}, step=step)
        try:
            result = self._act(row, step, journal)
        except (ChildFailedError, ChildGoneError, Problem) as error:
            if self._row(run).cancel_requested:
                return {"end": "cancelled"}
            journal.append("step", {"step": step, "state": "failed"})
            return {"end": "failed", "error": str(error)}
        seconds = round(time.monotonic() - began, 3)
        fields = result.pop("row", {})
        ended = {"step": step, "state": "finished", "seconds": seconds}
        journal.append("step", ended, progress=PROGRESS[step], **fields)
        self._metrics.step(step, seconds)
        log.info("step_finished", run=run, model=row.model, step=step, seconds=seconds)
        return {"verdict": result["verdict"]} if "verdict" in result else {}

    def finish(self, run: str, outcome: Outcome) -> None:
        """Write down how a run ended, let its child go and clear its folder."""
        status, error = outcome.get("end", "succeeded"), outcome.get("error")
        with self._database.transaction() as session:
            row = session.scalars(self._database.lock(_run(run))).one()
            if row.status in OPEN_RUN:
                row.status, row.error, row.finished_at = status, error, now()
                row.progress = 1.0 if status == "succeeded" else row.progress
                append(session, run, "status", {"status": status, **({"error": error} if error else {})})
        with self._turn:
            child = self._children.pop(run, None)
        if child is not None:
            child.close()
        shutil.rmtree(self._settings.runs_dir / run, ignore_errors=True)
        self._metrics.ended(row.model, row.trigger, row.status)
        log.info("run_finished", run=run, model=row.model, status=status, error=error)

    def cancel(self, run: str) -> None:
        """End what a run is doing at once; its workflow then ends it as `cancelled`."""
        with self._turn:
            child = self._children.get(run)
        if child is not None:
            child.kill()

    def _act(self, row: RunRow, step: str, journal: RunLog) -> dict[str, Any]:
        if step == "promote":
            return self._promote(row, journal)
        if step == "alias":
            self._reconciler.mirror(row.model)
            return {}
        return self._child(row.id).ask(step)

    def _promote(self, row: RunRow, journal: RunLog) -> dict[str, Any]:
        """Give the stage the new version, if the policy lets the platform do that by itself."""
        model = self._registry.get_model(row.model)
        if not Policy.model_validate(model.policy).auto_promote:
            journal.say(
                f"Version {row.version} waits for a maintainer: the policy does not promote by itself."
            )
            return {}
        try:
            entry = self._ledger.promote(
                row.model,
                row.stage,
                str(row.version),
                PLATFORM,
                f"Run {row.id}: {row.gate['reason'] if row.gate else row.reason}",
                expected_version=row.champion,
                run=row.id,
            )
        except Conflict as conflict:
            # Somebody moved the stage while this run was on its way: their decision stands.
            journal.say(f"Version {row.version} was not promoted: {conflict.detail}", "warning")
            return {}
        journal.say(f"Stage {entry.stage!r} now serves version {entry.version} (ledger entry {entry.seq}).")
        return {}

    def _child(self, run: str) -> Child:
        with self._turn:
            if run not in self._children:
                self._children[run] = Child(self._settings, self._settings.runs_dir / run, run)
            return self._children[run]

    def _row(self, run: str) -> RunRow:
        with self._database.reading() as session:
            return session.scalars(_run(run)).one()


def define_retrain(work: Retraining) -> Callable[[str], str]:
    """Register the workflow with DBOS and return it; call before `DBOS.launch()`."""

    @DBOS.workflow(name=WORKFLOW)
    def retrain(run: str) -> str:
        outcome = _step("begin", work.begin, run)
        verdict = None
        for name in TRAINING:
            if "end" not in outcome:
                outcome = _step(name, work.carry_out, run, name)
                verdict = outcome.get("verdict", verdict)
        for name in DEPLOYMENT if verdict == "promote" else ():
            if "end" not in outcome:
                outcome = _step(name, work.carry_out, run, name)
        _step("finish", work.finish, run, outcome)
        return str(outcome.get("end", "succeeded"))

    return retrain


def _step(name: str, action: Callable[..., Any], *args: Any) -> Any:
    return DBOS.run_step({"name": name}, action, *args)


def _run(run: str) -> Select[RunRow]:
    return select(RunRow).where(RunRow.id == run)

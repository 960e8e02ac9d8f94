"""The watch over promotions: labelled inputs are replayed through the predecessor, and it may come back.

One workflow for each check of each watch. What a check concludes is recorded in the transaction that acts on
it, so however often it is repeated, a promotion is rolled back once.
"""

import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import structlog
from dbos import DBOS, StepOptions
from sqlalchemy import Select, select

from data_processor.caller import PLATFORM
from data_processor.database import Database
from data_processor.feedback.repository import counted, labelled_since
from data_processor.models.ledger import Ledger
from data_processor.models.policy import Policy
from data_processor.models.reconcile import Reconciler
from data_processor.notifications.events import record
from data_processor.rows import ModelRow, PromotionRow, WatchRow
from data_processor.runs.child import Child
from data_processor.service.errors import Conflict
from data_processor.service.signals import DeclaredSpan
from data_processor.service.spans import Traced, traced
from data_processor.service.trace_context import parse_traceparent
from data_processor.settings import Settings
from data_processor.training import watch

WORKFLOW = "watch"
AGAIN: StepOptions = {"retries_allowed": True, "max_attempts": 6, "interval_seconds": 5}
"""Attempts at one step, 5 s, 10 s, 20 s … apart: long enough for a registry or a database to come back."""
STATES = {"roll_back": "rolled_back", "alert": "alerted", "passed": "passed", "continue": "open"}
"""The state of a watch after a check, by what that concluded."""

SPANS = (
    DeclaredSpan(
        "{step} watch",
        "consumer",
        "A step of the check of a promotion: `replay` and `conclude`.",
        ("loopkeeper.promotion.id",),
        ("error.type",),
    ),
)
log = structlog.get_logger(__name__)


class Watching:
    """The steps of the checks, carried out by this worker."""

    def __init__(
        self, settings: Settings, database: Database, ledger: Ledger, reconciler: Reconciler
    ) -> None:
        """Watch the promotions of the settings' stage."""
        self._settings = settings
        self._database = database
        self._ledger = ledger
        self._reconciler = reconciler

    def due(self) -> list[tuple[str, int]]:
        """Return the checks that are due: of which promotion, over how many labelled inputs."""
        found = []
        mine = (WatchRow.state == "open", WatchRow.stage == self._settings.stage)
        with self._database.reading() as session:
            for row in session.scalars(select(WatchRow).where(*mine)):
                model = session.get(ModelRow, row.model)
                if model is None:
                    continue
                policy = Policy.model_validate(model.policy)
                labelled = labelled_since(
                    session, row.model, row.since_seq, policy=policy, stage=row.stage, version=row.version
                )
                taken = [check["n"] for check in row.looks]
                size = watch.due(taken, len(counted(labelled, policy)), policy)
                if size is not None:
                    found.append((row.promotion, size))
        return found

    def replay(self, promotion: str, size: int) -> dict[str, Any]:
        """Ask the predecessor about the first labelled inputs, in a child process; return the check."""
        with self._traced("replay", promotion):
            return self._replay(promotion, size)

    def _replay(self, promotion: str, size: int) -> dict[str, Any]:
        folder = self._settings.runs_dir / f"watch-{promotion}-{size}"
        child = Child(self._settings, folder)
        try:
            return child.ask("replay", promotion=promotion, size=size)
        finally:
            child.close()
            shutil.rmtree(folder, ignore_errors=True)

    def give_up(self, size: int, error: Exception) -> dict[str, Any]:
        """Return the check that says why there was no comparison."""
        reason = f"The comparison with the predecessor failed: {error} A maintainer has to decide."
        return {"n": size, "conclusion": "alert", "reason": reason}

    def conclude(self, promotion: str, check: dict[str, Any]) -> str:
        """Record a check and do what it concludes, in one transaction; return the model's name."""
        with self._traced("conclude", promotion), self._database.transaction() as session:
            row: WatchRow = session.scalars(self._database.lock(_watch(promotion))).one()
            if row.state != "open" or check["n"] in [taken["n"] for taken in row.looks]:
                return row.model
            state = STATES[check["conclusion"]]
            if state == "rolled_back":
                try:
                    self._ledger.rollback(
                        row.model,
                        row.stage,
                        PLATFORM,
                        check["reason"],
                        expected_version=row.version,
                        bar=f"Rolled back after its promotion: {check['reason']}",
                        session=session,
                    )
                except Conflict as conflict:
                    state = "alerted"
                    check = {**check, "reason": f"{check['reason']} However: {conflict.detail}"}
            row.looks, row.state = [*row.looks, check], state
            if state == "alerted":
                record(
                    session,
                    "watch.alerted",
                    stage=row.stage,
                    model=row.model,
                    about=row.promotion,
                    version=row.version,
                    message=f"Version {row.version} of {row.model!r} was promoted. {check['reason']}",
                )
            log.info(
                "promotion_checked", model=row.model, version=row.version, state=state, reason=check["reason"]
            )
            return row.model

    def _traced(self, step: str, promotion: str) -> AbstractContextManager[Traced]:
        """Do a step in the trace of the promotion that is watched."""
        with self._database.reading() as session:
            entry = session.get(PromotionRow, promotion)
        parent = parse_traceparent(entry.traceparent if entry else None)
        return traced(f"{step} watch", parent, "consumer", {"loopkeeper.promotion.id": promotion})

    def mirror(self, model: str) -> None:
        """Move MLflow's alias at once."""
        self._reconciler.mirror(model)


def define_watch(work: Watching) -> Callable[[str, int], None]:
    """Register the workflow of one check with DBOS and return it; call before `DBOS.launch()`."""

    @DBOS.workflow(name=WORKFLOW)
    def check(promotion: str, size: int) -> None:
        try:
            found = DBOS.run_step({**AGAIN, "name": "replay"}, work.replay, promotion, size)
        except Exception as error:  # noqa: BLE001  # DBOS gives back its own class when it replays
            found = work.give_up(size, error)
        # A check has one job for ever: one that ended without a conclusion would leave the watch open.
        model = DBOS.run_step({**AGAIN, "name": "conclude"}, work.conclude, promotion, found)
        DBOS.run_step({"name": "alias"}, work.mirror, model)

    return check


def _watch(promotion: str) -> Select[WatchRow]:
    return select(WatchRow).where(WatchRow.promotion == promotion)

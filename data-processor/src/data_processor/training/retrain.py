"""Training runs: from data to a registered version, and to the stage that serves it if the gate says so."""

from typing import Any

from sqlalchemy.orm import Session

from data_processor.caller import PLATFORM
from data_processor.models.ledger import Ledger
from data_processor.models.policy import Policy
from data_processor.models.reconcile import Reconciler
from data_processor.models.registry import Registry
from data_processor.rows import RunRow
from data_processor.runs.events import RunLog
from data_processor.runs.jobs import PROMPT_S, Ask, Work
from data_processor.service.errors import Conflict
from data_processor.training.outcomes import tell_of_end

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


class Retraining(Work):
    """What is special about training runs: they may move a stage, which no child process does."""

    workflow = "retrain"
    poll_s = PROMPT_S

    def __init__(
        self, *, parallel_runs: int, registry: Registry, ledger: Ledger, reconciler: Reconciler
    ) -> None:
        """Work with this stage; of one model, one run at a time."""
        limits = {"partition_concurrency": 1, "worker_concurrency": parallel_runs}
        super().__init__("training", PROGRESS, limits=limits)
        self._registry = registry
        self._ledger = ledger
        self._reconciler = reconciler

    def takes(self, step: str, verdict: str | None) -> bool:
        """Deploy only what the gate promotes."""
        return step not in DEPLOYMENT or verdict == "promote"

    def act(self, row: RunRow, step: str, ask: Ask, journal: RunLog) -> dict[str, Any]:
        """Promote and mirror here; everything else is the child's."""
        if step == "promote":
            return self._promote(row, journal)
        if step == "alias":
            self._reconciler.mirror(row.model)
            return {}
        return ask(step)

    def close(self, session: Session, row: RunRow) -> None:
        """Tell people how the run ended."""
        tell_of_end(session, row)

    def _promote(self, row: RunRow, journal: RunLog) -> dict[str, Any]:
        """Let the stage serve the new version, if the policy lets the platform do that automatically."""
        model = self._registry.get_model(row.model)
        if not Policy.model_validate(model.policy).auto_promote:
            journal.say(
                f"Version {row.version} waits for a maintainer: the policy does not promote automatically."
            )
            return {}
        if waits := (row.gate or {}).get("waits"):
            journal.say(f"Version {row.version} waits for a maintainer. {waits}")
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
            # Somebody moved the stage during this run: their decision stands.
            journal.say(f"Version {row.version} was not promoted: {conflict.detail}", "warning")
            return {}
        journal.say(f"Stage {entry.stage!r} now serves version {entry.version} (ledger entry {entry.seq}).")
        return {}

"""Reconciles MLflow's aliases with the ledger, which the aliases mirror.

    the alias follows an older entry     it lags behind: move it to the version that the stage serves
    it left the entry that it followed   somebody moved it in MLflow: adopt that version if the platform might
                                         have promoted it, by its receipt, and it passes the checks, in a
                                         ledger entry that says so; else move the alias back and say so

Where two stages share MLflow, nothing is adopted: both can move an alias, and MLflow does not say who did.

Serving does not depend on this: while MLflow is away, aliases stay as they are, and are mended afterwards.
"""

from collections.abc import Callable
from threading import Lock

import structlog

from data_processor.adapters.mlflow_aliases import MlflowAliases
from data_processor.adapters.mlflow_connection import MlflowRefusedError, MlflowUnreachableError
from data_processor.caller import PLATFORM
from data_processor.models.ledger import Ledger
from data_processor.models.refusals import Refusals
from data_processor.rows import PromotionRow
from data_processor.service.errors import Conflict

log = structlog.get_logger(__name__)

Check = Callable[[str, str], str | None]
"""Returns why a version of a model may not be served, or None if its files passed every check."""


class Reconciler:
    """Mirrors one stage's ledger in MLflow, and adopts or refuses changes that people make there."""

    def __init__(
        self,
        stage: str,
        ledger: Ledger,
        aliases: MlflowAliases,
        check: Check,
        refusals: Refusals,
        *,
        shared: bool = False,
    ) -> None:
        """Reconcile a stage; `check` decides whether the files of a version chosen in MLflow may be served.

        `shared`: another stage has a login to the same MLflow.
        """
        self._refusals = refusals
        self._shared = shared
        self._stage = stage
        self._ledger = ledger
        self._aliases = aliases
        self._check = check
        self._turn = Lock()
        self._away = False

    def reconcile(self) -> None:
        """Reconcile every model of the stage; that MLflow is away is logged once and is not an error."""
        for model, entry in self._ledger.all_current(self._stage).items():
            if not self._attempt(model, entry, adopt=True):
                return

    def mirror(self, model: str) -> bool:
        """Make the alias of one model follow a new ledger entry; False if MLflow is away."""
        entry = self._ledger.current(model, self._stage)
        return entry is None or self._attempt(model, entry, adopt=False)

    def _attempt(self, model: str, entry: PromotionRow, *, adopt: bool) -> bool:
        try:
            with self._turn:
                self._reconcile(model, entry, adopt=adopt)
        except MlflowUnreachableError as error:
            if not self._away:
                log.warning("mlflow_unreachable", error=str(error))
            self._away = True
            return False
        except MlflowRefusedError as error:
            log.warning("alias_refused", model=model, error=str(error))
        self._away = False
        return True

    def _reconcile(self, model: str, entry: PromotionRow, *, adopt: bool) -> None:
        mirrored = self._aliases.read(model, self._stage)
        if mirrored is None or (mirrored.version == entry.version and mirrored.entry == entry.id):
            return
        by_hand = mirrored.entry == entry.id and mirrored.version is not None
        if by_hand and adopt:
            self._adopt_or_move_back(model, entry, str(mirrored.version))
        elif not by_hand:
            self._aliases.follow(model, self._stage, entry.version, entry.id)
            log.info("alias_moved", model=model, stage=self._stage, version=entry.version, seq=entry.seq)

    def _adopt_or_move_back(self, model: str, entry: PromotionRow, version: str) -> None:
        """Adopt the version that somebody pointed the alias at, or move the alias back."""
        problem = self._forbidden(model, version) or self._check(model, version)
        if problem is None:
            try:
                adopted = self._adopt(model, entry, version)
            except Conflict as conflict:
                problem = conflict.detail
            else:
                self._aliases.follow(model, self._stage, adopted.version, adopted.id)
                log.info("alias_adopted", model=model, stage=self._stage, version=version, was=entry.version)
                return
        reason = (
            f"The alias {self._stage!r} was moved in MLflow, from version {entry.version} to {version}, "
            f"and is moved back: {problem}"
        )
        self._refusals.record(model, version, reason)
        self._aliases.follow(model, self._stage, entry.version, entry.id)
        log.warning("alias_moved_back", model=model, stage=self._stage, version=version, problem=problem)

    def _forbidden(self, model: str, version: str) -> str | None:
        if self._shared:
            return "two stages share this MLflow, so it cannot move one of them; promote it in the stage."
        return self._ledger.forbids(model, self._stage, version)

    def _adopt(self, model: str, entry: PromotionRow, version: str) -> PromotionRow:
        reason = (
            f"The alias {self._stage!r} was moved by hand in MLflow, from version {entry.version} to "
            f"{version}, whose receipt says promote and whose files passed the checks."
        )
        return self._ledger.promote(
            model,
            self._stage,
            version,
            PLATFORM,
            reason,
            kind="adoption",
            expected_version=entry.version,
        )

"""Exchanges versions between two stages that share MLflow and nothing else.

    staging   imports what main trained and its gate passed, and serves it
    main      imports what staging served, notes that in its own ledger, and serves it if staging still does
              and the policy allows automatic promotion; otherwise a maintainer decides

A stage tags each of its versions in MLflow with the id of the ledger entry by which it served it, if it did,
and with a signature (`exchange.py`): what a stage has not signed is not believed. A version is imported once:
what a stage deleted or rolled back does not come back.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import structlog

from data_processor.adapters.mlflow_aliases import (
    VERDICT_TAG,
    Known,
    Mirrored,
    MlflowAliases,
    served_tag,
    signature_tag,
)
from data_processor.adapters.mlflow_connection import MlflowRefusedError, MlflowUnreachableError
from data_processor.caller import PLATFORM
from data_processor.models.exchange import Exchange
from data_processor.models.ledger import Ledger
from data_processor.models.policy import Policy
from data_processor.models.registry import Registry
from data_processor.rows import PromotionRow
from data_processor.service.errors import Conflict, NotFound

log = structlog.get_logger(__name__)

TakeIn = Callable[[str, Known], str | None]
"""Makes a version of the other stage one of ours; returns why it cannot, or None once it can be served."""
STAGE_TAG = "loopkeeper.stage"
"""The tag of a version that names the stage that trained it."""


class Said(NamedTuple):
    """What a stage says of a version, as MLflow has it."""

    model: str
    version: str
    served: str | None
    signature: str | None


class StageSync:
    """Imports the versions of the other stage into this one."""

    def __init__(
        self,
        exchange: Exchange,
        registry: Registry,
        ledger: Ledger,
        aliases: MlflowAliases,
        take_in: TakeIn,
    ) -> None:
        """Import versions into the stage that exchanges."""
        self._exchange = exchange
        self._stage = exchange.stage
        self._registry = registry
        self._ledger = ledger
        self._aliases = aliases
        self._take_in = take_in
        self._refused: set[Said] = set()
        self._signed: set[Said] = set()

    def sync(self) -> None:
        """Sign what this stage says, import what it may have; while MLflow is away, nothing happens.

        What MLflow refuses of one version or model is logged and does not keep the others waiting.
        """
        served = self._ledger.all_current(self._stage)
        try:
            with _refusals_logged():
                for model in self._aliases.models():
                    with _refusals_logged(model=model):
                        for known in self._aliases.versions(model):
                            with _refusals_logged(model=model, version=known.version):
                                self._exchange_one(model, known, served.get(model))
        except MlflowUnreachableError as error:
            log.debug("mlflow_unreachable", error=str(error))

    def _exchange_one(self, model: str, known: Known, current: PromotionRow | None) -> None:
        step = self._from_staging if self._stage == "main" else self._from_main
        self._sign(model, known, current)
        if self._said(self._exchange.other, model, known) not in self._refused:
            step(model, known)

    def _from_staging(self, model: str, known: Known) -> None:
        entry = known.tags.get(served_tag("staging"))
        if entry is None or self._ledger.knows(entry) or not self._taken_in(model, known):
            return
        self._ledger.note(model, "staging", known.version, entry)
        policy = Policy.model_validate(self._registry.get_model(model).policy)
        # What staging no longer serves was rolled back or is older: a maintainer may still want it.
        mirrored = self._aliases.read(model, "staging")
        present = mirrored == Mirrored(known.version, entry)
        if policy.auto_promote and present and not self._ledger.has_served(model, "main", known.version):
            self._promote(model, known, "Staging served it, and the policy allows automatic promotion.")

    def _from_main(self, model: str, known: Known) -> None:
        theirs = known.tags.get(STAGE_TAG) == "main" and known.tags.get(VERDICT_TAG) == "promote"
        if not theirs or self._ledger.has_served(model, "staging", known.version):
            return
        current = self._ledger.current(model, "staging")
        if current is not None and int(current.version) > int(known.version):
            return
        if self._taken_in(model, known):
            self._promote(model, known, "Main trained it, and it passed its gate.")

    def _sign(self, model: str, known: Known, current: PromotionRow | None) -> None:
        """Tag a version of this stage with what the stage says of it, unless it is tagged with that."""
        said = self._said(self._stage, model, known)
        is_new = current is not None and current.version == known.version and current.id != said.served
        if said in self._signed and not is_new:
            return
        try:
            row = self._registry.version(model, known.version)
        except NotFound:
            return  # of the other stage, or of nobody
        served = self._ledger.served_by(model, self._stage, known.version)
        statement = self._exchange.statement(row.manifest, served)
        if statement is None or self._registry.problem(row):
            return
        if (said.served, said.signature) != (served, statement):
            self._aliases.sign(model, known.version, self._stage, served, statement)
        self._signed.add(Said(model, known.version, served, statement))

    def _said(self, stage: str, model: str, known: Known) -> Said:
        """Return what MLflow has of a stage's statement on a version: what changes is looked at again."""
        tags = known.tags
        return Said(model, known.version, tags.get(served_tag(stage)), tags.get(signature_tag(stage)))

    def _taken_in(self, model: str, known: Known) -> bool:
        problem = self._take_in(model, known)
        if problem is not None:
            self._refused.add(self._said(self._exchange.other, model, known))
            log.warning("version_not_taken_in", model=model, version=known.version, problem=problem)
        return problem is None

    def _promote(self, model: str, known: Known, reason: str) -> None:
        last = self._ledger.current(model, self._stage)
        expected = last.version if last else None
        if expected is not None and int(expected) > int(known.version):
            return
        try:
            entry = self._ledger.promote(
                model, self._stage, known.version, PLATFORM, reason, expected_version=expected
            )
        except Conflict as conflict:
            log.warning("version_not_promoted", model=model, version=known.version, problem=conflict.detail)
        else:
            log.info("version_imported", model=model, stage=self._stage, version=known.version, seq=entry.seq)


@contextmanager
def _refusals_logged(**of: str) -> Iterator[None]:
    """Log what MLflow refuses, and of which model or version."""
    try:
        yield
    except MlflowRefusedError as error:
        log.warning("stage_sync_refused", error=str(error), **of)

"""The ledger of promotions: append-only, and the truth about which version a stage serves.

An entry is a compare-and-swap: it takes the number after the last one it saw, and `(model, stage, seq)` is
unique. A promotion pushes a version, a rollback pops one: rolling back twice walks back two promotions.
"""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from enum import Enum
from typing import Any, Final, Literal
from uuid import uuid4

from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from data_processor.caller import PLATFORM
from data_processor.database import Database
from data_processor.models import repository
from data_processor.models.policy import Policy
from data_processor.notifications.events import record
from data_processor.rows import FeedbackRow, PromotionRow, VersionRow, WatchRow
from data_processor.service.errors import Conflict, NotFound
from data_processor.tasks.registry import picture_task

Kind = Literal["promotion", "rollback", "adoption"]


class Unset(Enum):
    """Distinguishes "expects nothing" from "expects that no version is served"."""

    UNSET = "unset"


UNSET: Final = Unset.UNSET
Expected = str | Unset | None


class Ledger:
    """Which version each stage serves, and how it came to serve it."""

    def __init__(self, database: Database, *, staging_required: bool = False) -> None:
        """Keep the ledger in a database; `main` may require that `staging` has served a version first."""
        self._database = database
        self._staging_required = staging_required

    def current(self, model: str, stage: str, session: Session | None = None) -> PromotionRow | None:
        """Return the entry that says what a stage serves, or None before the first."""
        with nullcontext(session) if session else self._database.reading() as held:
            return repository.current_entry(held, model, stage)

    def all_current(self, stage: str) -> dict[str, PromotionRow]:
        """Return the current entry of every model that a stage serves, by model."""
        with self._database.reading() as session:
            return repository.current_entries(session, stage)

    def knows(self, entry: str) -> bool:
        """Return whether the ledger has an entry with this id, its own or one noted from another stage."""
        with self._database.reading() as session:
            return session.get(PromotionRow, entry) is not None

    def has_served(self, model: str, stage: str, version: str) -> bool:
        """Return whether a stage serves a version or did so before."""
        with self._database.reading() as session:
            return repository.has_served(session, model, stage, version)

    def served_by(self, model: str, stage: str, version: str) -> str | None:
        """Return the id of the last entry by which a stage served a version, or None if it never did."""
        with self._database.reading() as session:
            return repository.served_by(session, model, stage, version)

    def forbids(self, model: str, stage: str, version: str) -> str | None:
        """Return why the platform may not let a stage serve a version, or None if it may."""
        with self._database.reading() as session:
            try:
                row = repository.find_version(session, model, version)
                self._permit(session, row, stage, row.manifest.get("receipt"), PLATFORM)
            except (Conflict, NotFound) as problem:
                return problem.detail
            policy = Policy.model_validate(repository.find_model(session, model).policy)
            if policy.auto_promote or repository.has_served(session, model, stage, version):
                return None
            return f"The policy of {model!r} leaves promotions to a maintainer."

    def note(self, model: str, stage: str, version: str, entry: str) -> None:
        """Note once that another stage, whose ledger is elsewhere, served a version by this entry there."""
        with self._transaction(None, model) as held:
            if held.get(PromotionRow, entry) is not None:
                return
            noted = _next_entry(model, stage, self.current(model, stage, held), version)
            noted.id, noted.kind, noted.subject = entry, "promotion", PLATFORM
            noted.reason = f"Stage {stage!r} served it, according to MLflow."
            held.add(noted)

    def entries(self, model: str, limit: int = 1000) -> list[PromotionRow]:
        """Return the entries of a model in all stages, newest first."""
        query = (
            select(PromotionRow)
            .where(PromotionRow.model == model)
            .order_by(PromotionRow.at.desc(), PromotionRow.seq.desc())
        )
        with self._database.reading() as session:
            return list(session.scalars(query.limit(limit)))

    def promote(
        self,
        model: str,
        stage: str,
        version: str,
        subject: str,
        reason: str,
        *,
        kind: Kind = "promotion",
        expected_version: Expected = UNSET,
        override: bool = False,
        receipt: dict[str, Any] | None = None,
        run: str | None = None,
        session: Session | None = None,
    ) -> PromotionRow:
        """Let a stage serve a version, inside the caller's transaction if one is given.

        A run promotes a version once: repeating the call returns the first entry. Raises `NotFound` for an
        unknown model or version, and `Conflict` when the stage has moved meanwhile, already serves the
        version, or may not serve it: no `promote` receipt and no override, barred, or not served in staging.
        """
        with self._transaction(session, model) as held:
            if run and (done := repository.promotion_by(held, model, stage, run=run, version=version)):
                return done
            row = repository.find_version(held, model, version)
            last = self.current(model, stage, held)
            _expect(model, stage, last, expected_version)
            if last is not None and last.version == version:
                raise Conflict(f"Stage {stage!r} already serves version {version} of {model!r}.")
            shown = receipt or row.manifest.get("receipt")
            if not override:
                self._permit(held, row, stage, shown, subject)
            entry = _next_entry(model, stage, last, version)
            entry.kind, entry.subject, entry.reason, entry.receipt, entry.run = (
                kind,
                subject,
                reason,
                shown,
                run,
            )
            return _append(held, entry)

    def rollback(
        self,
        model: str,
        stage: str,
        subject: str,
        reason: str,
        *,
        expected_version: Expected = UNSET,
        bar: str | None = None,
        session: Session | None = None,
    ) -> PromotionRow:
        """Return a stage to the version that it served before.

        `bar` says why the platform may not promote the present one again. Raises `Conflict` when the stage
        has moved meanwhile or served nothing before.
        """
        with self._transaction(session, model) as held:
            last = self.current(model, stage, held)
            _expect(model, stage, last, expected_version)
            target = repository.version_before(held, model, stage)
            if last is None or target is None:
                raise Conflict(f"Stage {stage!r} has no earlier version of {model!r} to return to.")
            if bar is not None:
                barred = (VersionRow.model == model) & (VersionRow.version == last.version)
                held.execute(update(VersionRow).where(barred).values(barred=bar))
            entry = _next_entry(model, stage, last, target)
            entry.kind, entry.subject, entry.reason = "rollback", subject, reason
            return _append(held, entry)

    def _permit(
        self, session: Session, row: VersionRow, stage: str, receipt: dict[str, Any] | None, subject: str
    ) -> None:
        name = f"Version {row.version} of {row.model!r}"
        remedy = "a maintainer may override that, with a reason."
        verdict = (receipt or {}).get("verdict")
        if verdict != "promote":
            found = f"its gate said {verdict!r}" if verdict else "it has passed no gate"
            raise Conflict(f"{name} has no receipt that says promote: {found}; {remedy}")
        if row.barred and subject == PLATFORM:
            raise Conflict(f"{name} is barred from automatic promotion: {row.barred}")
        waits = (receipt or {}).get("waits")
        if waits and subject == PLATFORM and stage != "staging":  # there it may show what it can do
            raise Conflict(f"{name} waits for a maintainer. {waits}")
        needs_staging = self._staging_required and stage == "main"
        if needs_staging and not repository.has_served(session, row.model, "staging", row.version):
            raise Conflict(f"{name} has not been served in staging yet; {remedy}")

    @contextmanager
    def _transaction(self, session: Session | None, model: str) -> Iterator[Session]:
        with nullcontext(session) if session else self._database.transaction() as held:
            repository.find_model(held, model, self._database)
            yield held


def _expect(model: str, stage: str, last: PromotionRow | None, expected: Expected) -> None:
    serving = last.version if last else None
    if expected is not UNSET and expected != serving:
        serves = f"serves version {serving}" if serving else "serves no version"
        raise Conflict(
            f"Stage {stage!r} {serves} of {model!r}, not {expected}: it moved meanwhile.", version=serving
        )


def _next_entry(model: str, stage: str, last: PromotionRow | None, version: str) -> PromotionRow:
    return PromotionRow(
        id=str(uuid4()),
        model=model,
        stage=stage,
        seq=last.seq + 1 if last else 1,
        version=version,
        previous=last.version if last else None,
    )


def _append(session: Session, entry: PromotionRow) -> PromotionRow:
    try:
        with session.begin_nested():
            session.add(entry)
    except IntegrityError as error:  # the unique (model, stage, seq) is the compare-and-swap
        raise Conflict(
            f"Stage {entry.stage!r} of {entry.model!r} moved meanwhile; read it again and retry."
        ) from error
    _watch(session, entry)
    back = entry.kind == "rollback"
    record(
        session,
        "version.rolled_back" if back else "version.promoted",
        stage=entry.stage,
        model=entry.model,
        about=entry.id,
        version=entry.version,
        run=entry.run,
        message=f"{_moved(entry)} {entry.subject}: {entry.reason}",
    )
    return entry


def _moved(entry: PromotionRow) -> str:
    again = " again" if entry.kind == "rollback" else ""
    instead = f", in place of version {entry.previous}" if entry.previous else ""
    return f"Stage {entry.stage!r} serves version {entry.version} of {entry.model!r}{again}{instead}."


def _watch(session: Session, entry: PromotionRow) -> None:
    """Close the watches over earlier promotions, and open one over this entry."""
    older = (WatchRow.model == entry.model, WatchRow.stage == entry.stage, WatchRow.state == "open")
    session.execute(update(WatchRow).where(*older).values(state="superseded"))
    if entry.kind == "rollback" or entry.previous is None:
        return
    if picture_task(repository.find_model(session, entry.model).task) is not None:
        return  # the pictures that were asked about are not kept: a predecessor could not be asked again
    session.add(
        WatchRow(
            promotion=entry.id,
            model=entry.model,
            stage=entry.stage,
            version=entry.version,
            predecessor=entry.previous,
            since_seq=session.scalar(select(func.max(FeedbackRow.seq))) or 0,
        )
    )

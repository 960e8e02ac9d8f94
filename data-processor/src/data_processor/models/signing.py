"""Signing versions that have no valid signature: those of before there were any, and what a person trusts."""

import sys
from collections.abc import Callable, Iterable

import structlog
from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from data_processor.database import Database
from data_processor.models.signatures import Signer
from data_processor.rows import PromotionRow, RunRow, VersionRow
from data_processor.settings import Settings

log = structlog.get_logger(__name__)

Key = tuple[str, str]
"""A model and one of its versions."""


def sign_known(database: Database, signer: Signer) -> list[Key]:
    """Sign the versions that this stage's own records vouch for and that have no signature; return which.

    At any time those that a training run of its own registered: during an upgrade, a worker with the code of
    before does that. And once, before the first signature, those that were promoted according to its ledger.
    A version that only came in through MLflow is left as it is. Safe to repeat, in any process.
    """
    with database.reading() as session:
        if not session.scalar(select(exists().where(VersionRow.signature.is_(None)))):
            return []
    signed: list[Key] = []
    with database.transaction() as session:
        first = not session.scalar(select(exists().where(VersionRow.signature.is_not(None))))
        unsigned = select(VersionRow).where(VersionRow.signature.is_(None))
        for row in session.scalars(database.lock(unsigned)):
            if _trained_here(session, row) or (first and _promoted(session, row)):
                row.signature = signer.sign(row.manifest)
                signed.append((row.model, row.version))
    if signed:
        log.info("versions_signed", versions=[f"{model} {version}" for model, version in signed])
    return signed


def problems(database: Database, signer: Signer) -> dict[Key, str]:
    """Return why versions may not be loaded, by version, for those that may not."""
    with database.reading() as session:
        rows = session.scalars(select(VersionRow).order_by(VersionRow.model, VersionRow.created_at))
        found = {(row.model, row.version): signer.problem(row) for row in rows}
    return {key: problem for key, problem in found.items() if problem is not None}


def sign_again(database: Database, signer: Signer, keys: Iterable[Key]) -> None:
    """Sign versions whatever signature they have: a person vouches for them."""
    with database.transaction() as session:
        for key in keys:
            row = session.get(VersionRow, key)
            if row is not None:  # it may have been deleted meanwhile
                row.signature = signer.sign(row.manifest)


def sign_by_hand(settings: Settings, sure: Callable[[], bool]) -> None:
    """Print which versions are not loaded and why, and sign them if the person is sure."""
    database = Database(settings.records_url)
    try:
        database.create_tables()
        signer = Signer.of(settings)
        found = problems(database, signer)
        if not found:
            sys.stdout.write(f"Every version of stage {settings.stage!r} has a valid signature.\n")
            return
        sys.stdout.write("".join(f"{problem}\n" for problem in found.values()))
        sys.stdout.write(
            "Signed, they are loaded and can be promoted: sign only what you know the origin of.\n"
        )
        if not sure():
            sys.stdout.write("Nothing was signed.\n")
            return
        sign_again(database, signer, found)
        log.warning("versions_signed_by_hand", versions=[f"{model} {version}" for model, version in found])
        sys.stdout.write(f"Signed {len(found)} of stage {settings.stage!r}; `serve` loads them when asked.\n")
    finally:
        database.close()


def _trained_here(session: Session, row: VersionRow) -> bool:
    run = session.get(RunRow, row.manifest["lineage"]["run"])
    return run is not None and (run.kind, run.model, run.version) == ("training", row.model, row.version)


def _promoted(session: Session, row: VersionRow) -> bool:
    mine = (PromotionRow.model == row.model, PromotionRow.version == row.version)
    return bool(session.scalar(select(exists().where(*mine, PromotionRow.kind == "promotion"))))

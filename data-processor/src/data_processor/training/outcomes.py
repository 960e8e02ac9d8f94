"""What people are told when a training run ends (`notifications/events.py`)."""

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from data_processor.feedback.facts import AUTOMATIC, circuit_breaker
from data_processor.models.policy import Policy
from data_processor.notifications.events import EventType, record
from data_processor.rows import ModelRow, PromotionRow, RunRow


def tell_of_end(session: Session, row: RunRow) -> None:
    """Record what follows from the end of a training run, in the transaction that ends it.

    A promotion is told of by the ledger, and a failure by the engine of runs.
    """
    model = session.get(ModelRow, row.model)
    if model is None:
        return
    policy = Policy.model_validate(model.policy)
    gate = row.gate or {}
    verdict = gate.get("verdict") if row.status == "succeeded" else None
    if verdict == "hold":
        _tell(session, row, "run.held", f"Run {row.id} of {row.model!r} was held back: {gate['reason']}")
    elif verdict == "reject":
        _tell(session, row, "run.rejected", f"Run {row.id} of {row.model!r} was rejected: {gate['reason']}")
    elif verdict == "promote" and not _was_promoted(session, row):
        why = gate.get("waits") or (
            "The stage was moved during the run."
            if policy.auto_promote
            else "The policy does not promote automatically."
        )
        _tell(
            session,
            row,
            "version.waiting",
            f"Version {row.version} of {row.model!r} passed its gate and waits for a maintainer. {why}",
        )
    ended_badly = row.status == "failed" or verdict == "reject"
    if ended_badly and row.trigger in AUTOMATIC and (reason := circuit_breaker(session, model, policy)):
        _tell(session, row, "retraining.paused", reason)


def _was_promoted(session: Session, row: RunRow) -> bool:
    mine = (PromotionRow.model == row.model, PromotionRow.run == row.id)
    return bool(session.scalar(select(exists().where(*mine))))


def _tell(session: Session, row: RunRow, event: EventType, message: str) -> None:
    record(
        session,
        event,
        stage=row.stage,
        model=row.model,
        about=row.id,
        version=row.version,
        run=row.id,
        message=message,
    )

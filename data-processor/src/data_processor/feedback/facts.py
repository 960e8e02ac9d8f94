"""What the controller must know about a model, gathered from the records."""

from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from data_processor.feedback.controller import Facts, Hold, Outcome, labels_wanted, tripped
from data_processor.feedback.repository import count_new_labels, score_of
from data_processor.models.policy import Policy
from data_processor.rows import (
    DatasetVersionRow,
    DecisionRow,
    ModelRow,
    RunRow,
    VersionRow,
    WatchRow,
)
from data_processor.runs.repository import open_training_run
from data_processor.service.database import now

AUTOMATIC = ("score", "drift")
"""The triggers of runs that the platform opens automatically: only these open the circuit breaker."""
HOLDS_BETWEEN = 20
"""How many runs that do not count the circuit breaker skips, and a `hold` is searched among."""


def gather(session: Session, model: ModelRow, policy: Policy, stage: str, version: str, *, on: bool) -> Facts:
    """Return what there is to know of a stage's version; `on`: the stage opens runs automatically."""
    last = last_decision(session, model.name, stage, version)
    hold = _hold(session, model.name, version)
    return Facts(
        version=version,
        score=score_of(session, model.name, stage, version, policy),
        was_degraded=bool(last and last.score.get("degraded")),
        open_run=open_training_run(session, model.name),
        idle_s=_idle_s(session, model.name),
        new_labels=count_new_labels(
            session,
            model.name,
            _snapshot_seq(session, model.name, version),
            labels_wanted(hold, policy),
            policy=policy,
        ),
        hold=hold,
        circuit_breaker=circuit_breaker(session, model, policy),
        predecessor=session.scalar(
            select(WatchRow.predecessor)
            .where(
                WatchRow.model == model.name,
                WatchRow.stage == stage,
                WatchRow.version == version,
                WatchRow.state == "open",
            )
            .limit(1)
        ),
        enabled=on,
    )


def last_decision(session: Session, model: str, stage: str, version: str) -> DecisionRow | None:
    """Return the last decision on a stage's version, if there was one."""
    query = select(DecisionRow).where(
        DecisionRow.model == model, DecisionRow.stage == stage, DecisionRow.version == version
    )
    return session.scalar(query.order_by(DecisionRow.id.desc()).limit(1))


def _training(model: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return RunRow.model == model, RunRow.kind == "training"


def _idle_s(session: Session, model: str) -> float | None:
    """Return the seconds since a retraining run last ended; training the first version is not one."""
    ended = session.scalar(
        select(func.max(RunRow.finished_at)).where(*_training(model), RunRow.trigger != "initial")
    )
    return None if ended is None else (now() - ended).total_seconds()


def _hold(session: Session, model: str, version: str) -> Hold | None:
    """Return the last gate of a run of ours against this champion, if nothing was promoted after it.

    Either its verdict was `hold`, or what it accepted waits for a maintainer.
    """
    gates = session.execute(
        select(RunRow.gate, RunRow.version, RunRow.trigger)
        .where(*_training(model), RunRow.champion == version, RunRow.finished_at.is_not(None))
        .order_by(RunRow.finished_at.desc())
        .limit(HOLDS_BETWEEN)
    )
    for gate, made, trigger in gates:
        # Of faces, persons held out decide, whatever opened the run.
        if gate and (gate.get("slice") == "recent" or trigger in AUTOMATIC):
            if gate.get("waits"):
                return Hold(rows=gate["n"], needed=None, waiting=made)
            return Hold(rows=gate["n"], needed=gate["n_needed"]) if gate["verdict"] == "hold" else None
    return None


def _snapshot_seq(session: Session, model: str, version: str) -> int:
    """Return the number of the last feedback that a version may have been fitted to."""
    row = session.get(VersionRow, (model, version))
    return int(row.manifest["lineage"]["feedback_seq"]) if row is not None else 0


def circuit_breaker(session: Session, model: ModelRow, policy: Policy) -> str | None:
    """Say why the circuit breaker is open, if it is; runs from before it was last closed do not count."""
    uploaded = session.scalar(
        select(func.max(DatasetVersionRow.created_at)).where(
            DatasetVersionRow.dataset == model.dataset, DatasetVersionRow.kind == "upload"
        )
    )
    query = select(RunRow.trigger, RunRow.status, RunRow.gate).where(
        *_training(model.name), RunRow.finished_at.is_not(None)
    )
    for closed in (model.resumed_at, uploaded):
        if closed is not None:
            query = query.where(RunRow.finished_at > closed)
    ended = session.execute(
        query.order_by(RunRow.finished_at.desc()).limit(policy.breaker_after + HOLDS_BETWEEN)
    )
    return tripped([_outcome(*run) for run in ended], policy)


def _outcome(trigger: str, status: str, gate: dict[str, Any] | None) -> Outcome:
    verdict: Outcome | None = (gate or {}).get("verdict")
    if status == "succeeded" and verdict == "promote":
        return "promote"
    if status == "cancelled" or trigger not in AUTOMATIC:
        return "cancelled"  # what a person tried or stopped says nothing about the platform's own runs
    return "failed" if status == "failed" or verdict is None else verdict

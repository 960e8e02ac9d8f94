"""The score over time: every evaluation by the controller, and points between two of them, for charts."""

from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from data_processor.feedback.controller import ModelState
from data_processor.feedback.repository import scoring
from data_processor.feedback.schemas import ScorePoint, ShareOfRight
from data_processor.models.policy import Policy
from data_processor.models.repository import stage_history
from data_processor.rows import DecisionRow, FeedbackRow
from data_processor.statistics.score import FeedbackEntry, summarise

EVERY = 10
"""Predictions with first feedback from one point to the next."""


class ServingPeriod(NamedTuple):
    """The time in which a stage served a version."""

    version: str
    since: datetime
    until: datetime | None


def score_history(session: Session, model: str, stage: str, policy: Policy, limit: int) -> list[ScorePoint]:
    """Return the newest `limit` points of a stage's score, oldest first.

    Between two evaluations the state is that of the one before, and there is no reason.
    """
    query = select(DecisionRow).where(DecisionRow.model == model, DecisionRow.stage == stage)
    decisions = list(session.scalars(query.order_by(DecisionRow.id.desc()).limit(limit)))
    points = [ScorePoint.model_validate({**row.score, **_decided(row)}) for row in decisions]
    taken = {row.score["seq"] for row in decisions}
    between = 0
    for period in _serving_periods(session, model, stage):
        left = limit - between
        for seq, point in _points(session, model, stage, policy=policy, period=period, limit=left):
            between += 1
            if seq not in taken:
                points.append(point)
        if between >= limit:
            break
    points.sort(key=lambda point: point.at)
    _carry_states(points)
    return points[-limit:]


def _decided(row: DecisionRow) -> dict[str, object]:
    return {"at": row.at, "version": row.version, "state": row.state, "reason": row.reason, "run": row.run}


def _serving_periods(session: Session, model: str, stage: str) -> list[ServingPeriod]:
    """Return which version was served when, the present one first."""
    entries = [ServingPeriod(entry.version, entry.at, None) for entry in stage_history(session, model, stage)]
    ended = [period._replace(until=after.since) for period, after in pairwise(entries)]
    return [*entries[-1:], *reversed(ended)]


def _points(
    session: Session, model: str, stage: str, *, policy: Policy, period: ServingPeriod, limit: int
) -> Iterator[tuple[int, ScorePoint]]:
    """Yield up to `limit` points of a serving period, the newest, each with the number of the last feedback.

    The score of a version that was served before goes on where it was.
    """
    query = select(
        FeedbackRow.prediction,
        FeedbackRow.subject,
        FeedbackRow.correct,
        FeedbackRow.asked,
        FeedbackRow.trusted,
        FeedbackRow.own,
        FeedbackRow.belongs_to,
        FeedbackRow.seq,
        FeedbackRow.at,
    ).where(*scoring(model, stage, period.version, policy))
    if period.until is not None:
        query = query.where(FeedbackRow.at < period.until)
    reach = 2 * policy.window  # enough for the window, repeated and left-out feedback included
    rows = session.execute(query.order_by(FeedbackRow.seq.desc()).limit(limit * EVERY + reach)).all()[::-1]
    entries = [FeedbackEntry._make(row[:7]) for row in rows]
    seen: set[str] = set()
    for place, row in enumerate(rows):
        new = row.prediction not in seen
        seen.add(row.prediction)
        if not new or len(seen) % EVERY or row.at < period.since:
            continue
        share = summarise(entries[max(0, place + 1 - reach) : place + 1], policy).deciding
        point = {"at": row.at, "version": period.version, "state": "collecting", "reason": "", "run": None}
        yield row.seq, ScorePoint.model_validate({**ShareOfRight.of(share).model_dump(), **point})


def _carry_states(points: list[ScorePoint]) -> None:
    """Give each point between two evaluations the state of the earlier one, if it has the same version."""
    version = ""
    state: ModelState = "collecting"
    for point in points:
        if point.version != version:
            version, state = point.version, "collecting"
        if point.reason:
            state = point.state
        point.state = state

"""Live runs as people watch them: where one stands, its curves, and the tree of its forks."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from data_processor.database import Database
from data_processor.models.repository import find_model
from data_processor.rows import LiveRunRow, RunEventRow, RunRow
from data_processor.statistics.measures import LOWER_IS_BETTER
from data_processor.training.live.repository import changes, commands, find, kept_by
from data_processor.training.live.requests import live_estimator
from data_processor.training.live.schemas import (
    BestEpoch,
    Branch,
    Branches,
    Change,
    Epoch,
    LiveCurves,
    LiveRun,
    Pending,
)
from data_processor.training.live.service import PAUSE_ENDS

MOST_BRANCHES = 500


class LiveViews:
    """What is known of live runs."""

    def __init__(self, database: Database) -> None:
        """Read these records."""
        self._database = database

    def read(self, run: str) -> LiveRun:
        """Return where a live run stands; raises `NotFound` and `Conflict`."""
        with self._database.reading() as session:
            # First of all: whoever follows its events from there misses nothing that is not shown here.
            last = session.scalar(select(func.max(RunEventRow.seq)).where(RunEventRow.run == run)) or 0
            row, live = find(session, run)
            estimator = live_estimator(find_model(session, row.model).task, live.estimator)
            waiting = commands(session, run, pending=True)
            return LiveRun(
                id=run,
                model=row.model,
                status=row.status,
                state="ended" if row.finished_at else live.state,
                why=row.error or live.why,
                estimator=live.estimator,
                vectorizer=live.vectorizer,
                hyperparameters=live.hyperparameters,
                adjustable=list(estimator.adjustable),
                declared=list(estimator.hyperparameters),
                epoch=live.epoch,
                epochs=live.epochs,
                metric=live.metric,
                lower_is_better=live.metric in LOWER_IS_BETTER,
                best=_best(live),
                changes=[Change.model_validate(one, from_attributes=True) for one in changes(session, run)],
                pending=[
                    Pending(kind=one.kind, subject=one.subject, at=one.at, changes=one.body)
                    for one in waiting
                ],
                diverged=live.diverged,
                parent=live.parent,
                parent_epoch=live.parent_epoch if live.parent else None,
                paused_until=live.paused_at + PAUSE_ENDS if live.paused_at and not row.finished_at else None,
                kept_by=kept_by(session, row),
                last_seq=last,
                subject=row.subject,
                created_at=row.created_at,
            )

    def curves(self, run: str, points: int, after: int) -> LiveCurves:
        """Return the epochs of a live run later than `after`, thinned to about so many; raises as `read`."""
        epoch = RunEventRow.body["epoch"].as_integer()
        loss = RunEventRow.body["validation_loss"].as_float()
        mine = (RunEventRow.run == run) & (RunEventRow.type == "metric")
        with self._database.reading() as session:
            _, live = find(session, run)
            query = select(RunEventRow.seq, loss).where(mine, epoch > after).order_by(RunEventRow.seq)
            every = [(seq, value) for seq, value in session.execute(query)]
            chosen = thinned(every, points)
            rows = session.scalars(
                select(RunEventRow)
                .where(RunEventRow.run == run, RunEventRow.seq.in_(chosen))
                .order_by(RunEventRow.seq)
            )
            return LiveCurves(
                metric=live.metric,
                epochs=[_epoch(row) for row in rows],
                count=session.scalar(select(func.count()).select_from(RunEventRow).where(mine)) or 0,
                thinned=len(chosen) < len(every),
            )

    def branches(self, run: str) -> Branches:
        """Return the tree of forks that a live run belongs to, best first; raises as `read`."""
        with self._database.reading() as session:
            _, live = find(session, run)
            tree = _tree(session, live)
            lower = live.metric in LOWER_IS_BETTER
            tree.sort(key=lambda one: _rank(one[1], lower=lower))
            return Branches(
                metric=live.metric,
                lower_is_better=lower,
                runs=[_branch(session, row, one) for row, one in tree],
            )


def thinned(values: list[tuple[int, float | None]], points: int) -> list[int]:
    """Return which of some numbered values a drawing needs: of each stretch its ends and its extremes.

    No more than `points`, unless those are fewer than four.
    """
    if len(values) <= points:
        return [number for number, _ in values]
    stretches = max(1, points // 4)
    chosen: set[int] = set()
    for place in range(stretches):
        part = values[place * len(values) // stretches : (place + 1) * len(values) // stretches]
        known = [one for one in part if one[1] is not None]
        chosen |= {part[0][0], part[-1][0]}
        if known:
            by_value = lambda one: one[1]  # noqa: E731
            chosen |= {min(known, key=by_value)[0], max(known, key=by_value)[0]}
    return sorted(chosen)


def _tree(session: Session, live: LiveRunRow) -> list[tuple[RunRow, LiveRunRow]]:
    """Return every live run of a tree, from its root on."""
    while live.parent is not None and (above := session.get(LiveRunRow, live.parent)) is not None:
        live = above
    found, level = [live], [live.run]
    while level and len(found) < MOST_BRANCHES:
        below = list(session.scalars(select(LiveRunRow).where(LiveRunRow.parent.in_(level))))
        found, level = [*found, *below], [one.run for one in below]
    return [(session.get_one(RunRow, one.run), one) for one in found]


def _rank(live: LiveRunRow, *, lower: bool) -> float:
    if live.best_value is None:
        return float("inf")
    return live.best_value if lower else -live.best_value


def _branch(session: Session, row: RunRow, live: LiveRunRow) -> Branch:
    return Branch(
        id=row.id,
        parent=live.parent,
        parent_epoch=live.parent_epoch if live.parent else None,
        status=row.status,
        state="ended" if row.finished_at else live.state,
        estimator=live.estimator,
        hyperparameters=live.hyperparameters,
        epoch=live.epoch,
        best=_best(live),
        changes=len(changes(session, row.id)),
        subject=row.subject,
        created_at=row.created_at,
        kept_by=kept_by(session, row),
    )


def _best(live: LiveRunRow) -> BestEpoch | None:
    if live.best_epoch is None or live.best_value is None:
        return None
    return BestEpoch(epoch=live.best_epoch, value=live.best_value)


def _epoch(row: RunEventRow) -> Epoch:
    known = {name: row.body.get(name) for name in Epoch.model_fields}
    return Epoch.model_validate(
        known | {"seq": row.seq, "at": row.at, "validation_metric": row.body["value"]}
    )

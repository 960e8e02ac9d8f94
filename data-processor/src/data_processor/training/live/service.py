"""Live runs as people start and steer them: what is asked is checked here, kept, and then done by the run."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy.orm import Session

from data_processor.database import Database
from data_processor.features.hyperparameters import LiveEstimator, Value, defaults, problems
from data_processor.models.repository import find_model, require_rows
from data_processor.rows import OPEN_RUN, LiveCommandRow, LiveRunRow, ModelRow, RunRow
from data_processor.runs.service import Runs
from data_processor.service.errors import Conflict, FieldError, Invalid
from data_processor.tasks.incremental.declared import conflict
from data_processor.tasks.registry import task_of
from data_processor.tasks.requests import vectorizer_problems
from data_processor.training.live.repository import KIND, Applied, add_command, changes, checkpoints, find
from data_processor.training.live.schemas import ForkRequest, LiveRunRequest

PAUSE_ENDS = timedelta(hours=24)
"""How long a run may stand paused before it is stopped."""
DONE_NOTHING = "Nothing was done; see the message of each field."


class LiveRuns:
    """The live runs of one stage."""

    def __init__(self, database: Database, runs: Runs) -> None:
        """Keep what is asked in these records."""
        self._database = database
        self._runs = runs

    def start(self, model: str, asked: LiveRunRequest, subject: str) -> RunRow:
        """Queue a live run; raises `NotFound`, `Conflict` for a model of pictures, and `Invalid`."""
        with self._database.transaction() as session:
            row = find_model(session, model)
            require_rows(row, "What learns epoch by epoch takes the rows of tables.")
            estimator = live_estimator(row.task, asked.estimator)
            values = _checked(
                estimator, defaults(estimator.hyperparameters), asked.hyperparameters, "hyperparameters"
            )
            _check_vectorizer(row.task, asked.vectorizer)
            live = LiveRunRow(
                estimator=estimator.name,
                vectorizer=asked.vectorizer,
                hyperparameters=values,
                first_hyperparameters=values,
                epochs=asked.epochs,
            )
            reason = asked.reason or f"{subject} started it."
            return self._queue(session, row, live, subject, reason, paused=asked.paused)

    def change(self, run: str, asked: Mapping[str, Value], subject: str) -> None:
        """Have a run change hyperparameters; raises `NotFound`, `Conflict` and `Invalid`."""
        with self._database.transaction() as session:
            row, live = self._open(session, run)
            if not asked:
                raise _invalid([{"loc": ["body"], "message": "name at least one hyperparameter"}])
            estimator = live_estimator(find_model(session, row.model).task, live.estimator)
            fixed = [name for name in asked if name not in estimator.adjustable]
            known = {one.name for one in estimator.hyperparameters}
            if errors := [
                FieldError(
                    loc=["body", name],
                    message=f"{name} is fixed while a run learns; start another live run with it",
                )
                for name in fixed
                if name in known
            ]:
                raise _invalid(errors)
            _checked(estimator, live.hyperparameters, asked)
            _refuse_diverged(live)
            if live.replay:
                raise Conflict(f"Run {run} repeats another one; fork it to change something.", run=run)
            add_command(
                session, LiveCommandRow(run=run, kind="hyperparameters", body=dict(asked), subject=subject)
            )

    def tell(self, run: str, kind: str, subject: str, body: Mapping[str, Any] | None = None) -> None:
        """Have a run pause, resume, step or stop; raises `NotFound` and `Conflict`."""
        with self._database.transaction() as session:
            _, live = self._open(session, run)
            if kind in ("resume", "step"):
                _refuse_diverged(live)
            add_command(session, LiveCommandRow(run=run, kind=kind, body=dict(body or {}), subject=subject))

    def fork(self, run: str, asked: ForkRequest, subject: str) -> RunRow:
        """Queue a live run that leaves another one; raises `NotFound`, `Conflict` and `Invalid`."""
        with self._database.transaction() as session:
            row, live = find(session, run)
            model = find_model(session, row.model)
            estimator = live_estimator(model.task, live.estimator)
            epoch, at, change, values = _place(session, live, asked)
            if asked.hyperparameters and asked.replay:
                message = "a replay changes nothing; leave it out, or fork without replay"
                raise _invalid([{"loc": ["body", "hyperparameters"], "message": message}])
            fixed = set(asked.hyperparameters) - set(estimator.adjustable)
            if fixed & {one.name for one in estimator.hyperparameters}:
                name = min(fixed)
                message = f"{name} is what its weights were learnt with; start another live run with it"
                raise _invalid([{"loc": ["body", "hyperparameters", name], "message": message}])
            values = _checked(estimator, values, asked.hyperparameters, "hyperparameters")
            epochs = live.epoch if asked.replay else asked.epochs or live.epochs
            if not asked.replay and epochs <= epoch:
                if asked.epochs is not None:
                    message = f"{epochs} epochs are learnt there already; give more than {epoch}"
                    raise _invalid([{"loc": ["body", "epochs"], "message": message}])
                epochs = epoch + live.epochs
            fork = LiveRunRow(
                estimator=live.estimator,
                vectorizer=live.vectorizer,
                hyperparameters=values,
                first_hyperparameters=values,
                epochs=epochs,
                epoch=epoch,
                parent=run,
                parent_epoch=epoch,
                parent_row=at,
                parent_change=change,
                replay=asked.replay,
            )
            what = "replays" if asked.replay else "forks"
            reason = f"{subject} {what} run {run} from epoch {epoch}."
            return self._queue(session, model, fork, subject, reason, paused=asked.paused)

    def keep(self, run: str, epoch: int | None, subject: str) -> RunRow:
        """Queue the training run that takes an epoch's weights to the gate.

        Raises `NotFound`, `Invalid`, and `Conflict` if nothing was learnt yet or such a run is open.
        """
        with self._database.transaction() as session:
            row, live = find(session, run, self._database)
            _require_checkpoints(session, live)
            if live.best_epoch is None:
                raise Conflict(
                    f"Live run {run} has not learnt an epoch yet; there is nothing to keep.", run=run
                )
            first, chosen = live.parent_epoch, live.best_epoch if epoch is None else epoch
            if not first <= chosen <= live.epoch:
                message = f"run {run} has the epochs {first} to {live.epoch}"
                raise _invalid([{"loc": ["body", "epoch"], "message": message}])
            return self._runs.open(
                session,
                row.model,
                trigger="manual",
                reason=f"{subject} keeps epoch {chosen} of live run {run}.",
                subject=subject,
                options={"live": {"run": run, "epoch": chosen}},
            )

    def _queue(
        self, session: Session, model: ModelRow, live: LiveRunRow, subject: str, reason: str, *, paused: bool
    ) -> RunRow:
        options = {
            "estimator": live.estimator,
            "hyperparameters": live.hyperparameters,
            "epochs": live.epochs,
        }
        if live.parent:
            options |= {"fork_of": {"run": live.parent, "epoch": live.parent_epoch}}
        row = self._runs.queue(
            session,
            KIND,
            model=model.name,
            dataset=model.dataset,
            trigger="manual",
            reason=reason,
            subject=subject,
            options=options,
        )
        live.run = row.id
        session.add(live)
        session.flush()
        if paused:
            add_command(session, LiveCommandRow(run=row.id, kind="pause", subject=subject))
        return row

    def _open(self, session: Session, run: str) -> tuple[RunRow, LiveRunRow]:
        """Return the rows of a live run that has not ended; the first is locked."""
        row, live = find(session, run, self._database)
        if row.status not in OPEN_RUN or live.state == "ended":
            raise Conflict(f"Live run {run} has ended; fork it to go on from any of its epochs.", run=run)
        return row, live


def _require_checkpoints(session: Session, live: LiveRunRow) -> None:
    """Raise `Conflict` if there is no state that anybody could go on from."""
    if checkpoints(session, live.run):
        return
    if live.epoch > live.parent_epoch:
        raise Conflict(
            f"Live run {live.run} ended long ago and its checkpoints are deleted; start another one.",
            run=live.run,
        )
    raise Conflict(f"Live run {live.run} has not begun to learn yet; wait for its first epoch.", run=live.run)


def _refuse_diverged(live: LiveRunRow) -> None:
    if live.diverged is not None:
        raise Conflict(f"{live.diverged['reason']} Fork it from an earlier epoch.", run=live.run)


def live_estimator(task: str, name: str) -> LiveEstimator:
    """Return what learns epoch by epoch under this name; raises `Invalid`."""
    known = {one.name: one for one in task_of(task).description.live_estimators}
    if name not in known:
        message = f"{name!r} does not learn epoch by epoch; choose one of {', '.join(known)}"
        raise _invalid([{"loc": ["body", "estimator"], "message": message}])
    return known[name]


def _place(
    session: Session, live: LiveRunRow, asked: ForkRequest
) -> tuple[int, int, int | None, dict[str, Value]]:
    """Return where a fork leaves: epoch, rows, the change it comes before, and what is in force there."""
    if asked.epoch is not None and asked.change is not None:
        message = "give the epoch or the number of the change, not both"
        raise _invalid([{"loc": ["body", "change"], "message": message}])
    _require_checkpoints(session, live)
    applied = changes(session, live.run)
    if asked.change is not None:
        found = next((one for one in applied if one.number == asked.change), None)
        if found is None:
            message = f"run {live.run} has {len(applied)} changes"
            raise _invalid([{"loc": ["body", "change"], "message": message}])
        before = [one for one in applied if one.number < asked.change]
        return found.epoch, found.row, asked.change, _in_force(live, before)
    epoch = asked.epoch
    if epoch is None:
        epoch = live.parent_epoch if asked.replay or live.best_epoch is None else live.best_epoch
    first = live.parent_epoch + (1 if live.parent_row else 0)
    if asked.replay and epoch == live.parent_epoch:
        return epoch, live.parent_row, None, dict(live.first_hyperparameters)
    if not first <= epoch <= live.epoch:
        message = f"run {live.run} has the epochs {first} to {live.epoch}"
        if live.parent:
            message += f"; earlier ones are those of run {live.parent}"
        raise _invalid([{"loc": ["body", "epoch"], "message": message}])
    return epoch, 0, None, _in_force(live, [one for one in applied if (one.epoch, one.row) < (epoch, 0)])


def _in_force(live: LiveRunRow, applied: list[Applied]) -> dict[str, Value]:
    values = dict(live.first_hyperparameters)
    for one in applied:
        values |= one.values
    return values


def _checked(
    estimator: LiveEstimator, values: Mapping[str, Value], asked: Mapping[str, Value], *loc: str
) -> dict[str, Value]:
    """Return values with what was asked for; raises `Invalid` naming every field that is not possible."""
    place = ("body", *loc)
    found = problems(estimator.hyperparameters, asked, estimator.title, *place)
    together = {**values, **asked}
    if not found and (wrong := conflict(together, list(asked))):
        found.append({"loc": [*place, wrong[0]], "message": wrong[1]})
    if found:
        raise _invalid(found)
    whole = {one.name for one in estimator.hyperparameters if one.kind == "integer"}
    return {
        name: int(value) if name in whole and value is not None else value for name, value in together.items()
    }


def _check_vectorizer(task: str, name: str | None) -> None:
    described = task_of(task).description
    if name is None:
        return
    if not described.vectorizers:
        message = "only models for texts have one; leave it out"
        raise _invalid([{"loc": ["body", "vectorizer"], "message": message}])
    if wrong := vectorizer_problems(described, name, {}, "body"):
        raise _invalid(wrong)


def _invalid(errors: list[FieldError]) -> Invalid:
    return Invalid(DONE_NOTHING, errors=errors)

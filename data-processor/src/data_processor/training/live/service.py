"""Live runs as people start and steer them: what is asked is checked here, kept, and then done by the run."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy.orm import Session

from data_processor.database import Database
from data_processor.features.hyperparameters import Value, defaults
from data_processor.models.policy import Policy
from data_processor.models.repository import find_model, require_rows
from data_processor.rows import OPEN_RUN, LiveCommandRow, LiveRunRow, ModelRow, RunRow
from data_processor.runs.service import Runs
from data_processor.service.errors import Conflict, FieldError
from data_processor.training.live.repository import KIND, add_command, find
from data_processor.training.live.requests import (
    check_epoch,
    check_vectorizer,
    checked,
    invalid,
    live_estimator,
    model_of,
    place_of_fork,
    refuse_diverged,
    require_checkpoints,
)
from data_processor.training.live.schemas import ForkRequest, LiveRunRequest
from data_processor.training.metrics import selection_metric

PAUSE_ENDS = timedelta(hours=24)
"""How long a run may stand paused before it is stopped."""


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
            values = checked(
                estimator, defaults(estimator.hyperparameters), asked.hyperparameters, "hyperparameters"
            )
            check_vectorizer(row.task, asked.vectorizer)
            live = LiveRunRow(
                estimator=estimator.name,
                vectorizer=asked.vectorizer,
                hyperparameters=values,
                first_hyperparameters=values,
                epochs=asked.epochs,
                metric=selection_metric(Policy.model_validate(row.policy), row.task),
            )
            reason = asked.reason or f"{subject} started it."
            return self._queue(session, row, live, subject, reason, paused=asked.paused)

    def change(self, run: str, asked: Mapping[str, Value], subject: str) -> None:
        """Have a run change hyperparameters; raises `NotFound`, `Conflict` and `Invalid`."""
        with self._database.transaction() as session:
            row, live = self._open(session, run)
            if not asked:
                raise invalid([{"loc": ["body"], "message": "name at least one hyperparameter"}])
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
                raise invalid(errors)
            values = checked(estimator, live.hyperparameters, asked)
            refuse_diverged(live)
            if live.replay:
                raise Conflict(f"Run {run} repeats another one; fork it to change something.", run=run)
            body = {name: values[name] for name in asked}
            add_command(session, LiveCommandRow(run=run, kind="hyperparameters", body=body, subject=subject))

    def tell(self, run: str, kind: str, subject: str, body: Mapping[str, Any] | None = None) -> None:
        """Have a run pause, resume, step or stop; raises `NotFound` and `Conflict`."""
        with self._database.transaction() as session:
            _, live = self._open(session, run)
            if kind in ("resume", "step"):
                refuse_diverged(live)
            add_command(session, LiveCommandRow(run=run, kind=kind, body=dict(body or {}), subject=subject))

    def fork(self, run: str, asked: ForkRequest, subject: str) -> RunRow:
        """Queue a live run that leaves another one; raises `NotFound`, `Conflict` and `Invalid`."""
        with self._database.transaction() as session:
            row, live = find(session, run)
            model = model_of(session, row)
            estimator = live_estimator(model.task, live.estimator)
            epoch, at, change, values = place_of_fork(session, live, asked)
            if asked.hyperparameters and asked.replay:
                message = "a replay changes nothing; leave it out, or fork without replay"
                raise invalid([{"loc": ["body", "hyperparameters"], "message": message}])
            fixed = set(asked.hyperparameters) - set(estimator.adjustable)
            if fixed & {one.name for one in estimator.hyperparameters}:
                name = min(fixed)
                message = f"{name} is what its weights were learnt with; start another live run with it"
                raise invalid([{"loc": ["body", "hyperparameters", name], "message": message}])
            values = checked(estimator, values, asked.hyperparameters, "hyperparameters")
            epochs = max(1, live.epoch) if asked.replay else asked.epochs or live.epochs
            if not asked.replay and epochs <= epoch:
                if asked.epochs is not None:
                    message = f"{epochs} epochs are learnt there already; give more than {epoch}"
                    raise invalid([{"loc": ["body", "epochs"], "message": message}])
                epochs = epoch + live.epochs
            fork = LiveRunRow(
                estimator=live.estimator,
                vectorizer=live.vectorizer,
                hyperparameters=values,
                first_hyperparameters=values,
                epochs=epochs,
                epoch=epoch,
                metric=live.metric,
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
            model_of(session, row)
            require_checkpoints(session, live)
            chosen = live.best_epoch if epoch is None else epoch
            if chosen is None:
                raise Conflict(f"Live run {run} has no best epoch yet; say which one to keep.", run=run)
            check_epoch(live, chosen, live.parent_epoch + (1 if live.parent_row else 0))
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

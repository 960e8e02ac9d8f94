"""The steps of a training run that keeps what a live run learnt: no search, no fit, the same gate.

The weights come from a checkpoint, over the changes made since, and meet the gate on rows that the live run
learnt nothing from. Compiling, parity, registration and the smoke test are those of every version.
"""

import time
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline
from sqlalchemy import select

from data_processor.adapters.stores import open_report_store
from data_processor.features.split import Rows, Split
from data_processor.models.access import registry_of
from data_processor.models.policy import Policy
from data_processor.rows import DatasetVersionRow, LiveRunRow, RunEventRow
from data_processor.runs.context import TaskContext, TaskError
from data_processor.service.database import now
from data_processor.statistics.phrases import metric_name
from data_processor.tasks.candidates import Candidate
from data_processor.tasks.comparison import Scorer
from data_processor.tasks.pipelines import answer
from data_processor.tasks.registry import row_task_of
from data_processor.training.label_sources import FILE as RATERS
from data_processor.training.label_sources import limit
from data_processor.training.leaderboard import leaderboard
from data_processor.training.live.data import prepare_live
from data_processor.training.live.history import go_to, seen_before
from data_processor.training.live.loop import Position, TrainingLoop, one_thread
from data_processor.training.live.repository import changes
from data_processor.training.live.store import LiveStore
from data_processor.training.live.tasks import candidate_of
from data_processor.training.metrics import selection_metric
from data_processor.training.plan import PLAN, Plan, make_plan, read_plan, rows_of
from data_processor.training.tasks import (
    SEARCHED,
    compile,  # noqa: A004  # the step's name
    decide_on,
    divide,
    register,
    smoke,
    sources_of,
    split,
    split_of,
    validate,
)

__all__ = ["compile", "gate", "register", "search", "smoke", "snapshot", "split", "validate"]


@dataclass(frozen=True, eq=False)
class _Kept:
    """What is kept of a live run."""

    pipeline: Pipeline
    candidate: Candidate
    learnt: Rows
    """The rows that it learnt from."""
    history: list[float]
    """The metric on the validation rows after each epoch up to the one that is kept."""
    seconds: float
    """What learning took."""
    bytes: int
    receipt: dict[str, Any]
    """Where the weights come from, for the gate's receipt."""
    trained_at: datetime


def snapshot(context: TaskContext) -> dict[str, Any]:
    """Take the rows that the live run learns from, and fix the terms of the gate as they are now."""
    row, model = rows_of(context)
    terms = _store(context, row.options["live"]["run"]).terms()
    theirs = Plan.model_validate(terms["plan"])
    with context.database.reading() as session:
        version = session.get(DatasetVersionRow, (theirs.dataset, theirs.dataset_version))
    if version is None:
        raise TaskError(f"Version {theirs.dataset_version} of dataset {theirs.dataset!r} no longer exists.")
    context.write_json(RATERS, terms["raters"])
    plan = make_plan(context, row, model, version)
    _require_columns(context, plan, theirs)
    policy = Policy.model_validate(model.policy).model_copy(update={"preparation": theirs.policy.preparation})
    plan = plan.model_copy(update={"policy": policy, "schema_": theirs.schema_})
    context.write(PLAN, lambda path: path.write_text(plan.model_dump_json(by_alias=True)))
    context.log.say(
        f"It keeps epoch {row.options['live']['epoch']} of live run {theirs.run}, which learns from dataset "
        f"{version.dataset!r}, version {version.version}; {plan.opponent}."
    )
    return {"row": {"dataset_version": version.version}}


def _require_columns(context: TaskContext, plan: Plan, theirs: Plan) -> None:
    """Raise `TaskError` if the champion answers by a column that the live run's rows do not have."""
    if plan.champion is None:
        return
    table = registry_of(context).manifest(plan.model, plan.champion).table
    if unknown := {one.name for one in table.inputs} - {one.name for one in theirs.schema_.inputs}:
        raise TaskError(
            f"Champion {plan.champion} answers by column {min(unknown)!r}, which the rows of live run "
            f"{theirs.run} do not have, so the gate cannot compare them; start another live run."
        )


def search(context: TaskContext) -> dict[str, Any]:
    """Search nothing: the weights that are kept are the only candidate."""
    kept, rows, plan = _kept(context), split_of(context), read_plan(context)
    metric = selection_metric(plan.policy, rows.schema.task)
    scorer = Scorer(metric, rows.validation.target, rows.schema, rows.validation.ties.groups)
    began = time.perf_counter()
    outputs = answer(kept.pipeline, rows.validation.frame)
    each = (time.perf_counter() - began) * 1000 / max(1, len(rows.validation))
    tried = scorer.tried(
        kept.candidate, outputs[None], fit_seconds=kept.seconds, ms_per_row=each, bytes=kept.bytes
    )
    board = [line.model_dump(mode="json") for line in leaderboard([tried], scorer, tried)]
    found = {
        "best": kept.candidate.as_json(),
        "leaderboard": board,
        "metric": metric,
        "history": kept.history,
    }
    context.write_json(SEARCHED, found)
    value = tried.metrics.get(metric)
    reached = (
        "" if value is None else f" It has a {metric_name(metric)} of {value:.4g} on the validation rows."
    )
    context.log.say(f"Nothing is searched: a person chose these weights.{reached}")
    return {"row": {"leaderboard": board}}


def gate(context: TaskContext) -> dict[str, Any]:
    """Let the gate decide between what was kept and the champion."""
    kept, rows = _kept(context), split_of(context)
    if rows.schema.holdout.by != "time":  # another champion than then may have made rows recent again
        seen = np.isin(rows.test.positions, kept.learnt.positions)
        rows = replace(rows, test=rows.test.take(~seen))
    return decide_on(
        context,
        replace(rows, fitting=kept.learnt),
        kept.candidate,
        kept.pipeline,
        kept.pipeline,
        trained_at=kept.trained_at,
        kept=kept.receipt,
    )


def _kept(context: TaskContext) -> _Kept:
    return context.keep("kept", lambda: _made(context))


def _made(context: TaskContext) -> _Kept:
    """Bring the live run's loop to the epoch that is kept, and make a pipeline of it."""
    row, _ = rows_of(context)
    run, epoch = row.options["live"]["run"], int(row.options["live"]["epoch"])
    store = _store(context, run)
    terms = store.terms()
    with context.database.reading() as session:
        live = session.get_one(LiveRunRow, run)
        applied = changes(session, run)
        metrics = list(session.scalars(_metrics(run)))
        lineage = _lineage(context, live)
    plan = read_plan(context)
    candidate = candidate_of(live, plan.policy.preparation)
    data = prepare_live(_their_split(context, terms), candidate, plan_metric(terms), terms["seed"])
    start = Position(live.parent_epoch, live.parent_row) if live.parent else Position(0, 0)
    place = max(Position(epoch, 0), start)
    before, _ = seen_before(applied, place, None)
    with one_thread():
        loop = TrainingLoop(data, live.estimator, live.first_hyperparameters, terms["seed"])
        go_to(loop, store, before, place)
    learner = row_task_of(data.schema.task).learner
    mine = [body for body in (one.body for one in metrics) if body["epoch"] <= epoch]
    return _Kept(
        pipeline=learner.assemble(data.prepared, loop.estimator(), data.offset),
        candidate=candidate.model_copy(update={"params": loop.settings}),
        learnt=data.prepared.rows,
        history=[body["value"] for body in mine if body["value"] is not None],
        seconds=sum(body["seconds"] for body in mine),
        bytes=loop.size_bytes,
        receipt={
            "run": run,
            "epoch": epoch,
            "weights": loop.weights,
            "changes": [
                {"number": one.number, "epoch": one.epoch, "subject": one.subject, "changes": one.changes}
                for one in before
            ],
            "forks": lineage,
        },
        trained_at=now(),
    )


def plan_metric(terms: dict[str, Any]) -> Any:
    """Return the metric that a live run's epochs are compared by."""
    plan = Plan.model_validate(terms["plan"])
    return selection_metric(plan.policy, plan.schema_.task)


def _their_split(context: TaskContext, terms: dict[str, Any]) -> Split:
    """Return the rows divided as they were for the live run."""
    plan = Plan.model_validate(terms["plan"])
    return limit(divide(context, plan), sources_of(context), plan.policy)


def _lineage(context: TaskContext, live: LiveRunRow) -> list[dict[str, Any]]:
    """Return which runs a live run was forked from, the nearest first, and where."""
    found = []
    with context.database.reading() as session:
        while live.parent is not None:
            found.append({"run": live.parent, "epoch": live.parent_epoch, "row": live.parent_row})
            above = session.get(LiveRunRow, live.parent)
            if above is None:
                break
            live = above
    return found


def _metrics(run: str) -> Any:
    mine = (RunEventRow.run == run) & (RunEventRow.type == "metric")
    return select(RunEventRow).where(mine).order_by(RunEventRow.seq)


def _store(context: TaskContext, run: str) -> LiveStore:
    return LiveStore(context.database, open_report_store(context.settings), run)

"""The heavy steps of a retrain run, carried out one after the other in its child process.

Each leaves its results in the run's folder and may be repeated; a process that starts in the middle reads
what those before it left. `row` in what a step returns are fields of the run's row.
"""

import time
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

from data_processor.datasets.inference import observed
from data_processor.datasets.version_store import open_version_store
from data_processor.features.precision import lost
from data_processor.features.schema import Schema
from data_processor.features.split import Split, prepare_data, summary
from data_processor.features.ties import Cutoff, Fitted
from data_processor.models.access import registry_of
from data_processor.models.artefact import load_pipeline, save_pipeline
from data_processor.models.background import write_background
from data_processor.models.engine import load_engine
from data_processor.models.manifest import BACKGROUND_FILE, ONNX_FILE, SKOPS_FILE, Parity
from data_processor.runs.context import TaskContext, import_ahead
from data_processor.service.database import now
from data_processor.statistics.phrases import metric_name, percent
from data_processor.tasks.candidates import Candidate
from data_processor.tasks.comparison import Tried
from data_processor.tasks.pipelines import MANY_ROWS
from data_processor.tasks.registry import row_task_of
from data_processor.training.asking import read_as_served
from data_processor.training.checks import check_split, check_table
from data_processor.training.compile import compile_model
from data_processor.training.evaluation import (
    Champion,
    calibration_of,
    evaluate,
    fit_final,
    fit_for_holdout,
    holdout_metrics,
    holdout_outputs,
    not_compared,
)
from data_processor.training.inspection import inspect
from data_processor.training.label_sources import Raters, Sources, limit, read_sources
from data_processor.training.metrics import selection_metric
from data_processor.training.plan import Plan, read_plan, rows_of
from data_processor.training.pool import PROCESSES_S, open_pool
from data_processor.training.registration import FILES, Result, register_version
from data_processor.training.scale import scale_of
from data_processor.training.search import search as search_candidates

SCHEMA = "schema.json"
SEARCHED = "search.json"
GATED = "gate.json"
OUTPUTS = "holdout-outputs.f8"
"""What the holdout rows were answered, for the plots."""
PARITY = "parity.json"
SEARCH_FROM, SEARCH_TO = 0.18, 0.60
"""The part of a run's progress that the search is."""
REPORT_EVERY_S = 0.25
MOST_LOST = 0.05
"""So many of a column's values may be rounded without a word."""
CHOSEN_ON = {
    "recent": "recent validation rows",
    "validation": "validation rows, a fifth of those it may use",
    "cross-validation": "all rows it may use, by cross-validation",
}
NEEDED_LATER = ("skl2onnx", "data_processor.training.plots", "data_processor.adapters.mlflow_registry")
"""What the steps after the search import, three seconds of work, while the search waits for its fits."""


def validate(context: TaskContext) -> dict[str, Any]:
    """Check the snapshot against the dataset's schema, and note what training sees of each column.

    What cannot be asked for is not trained.
    """
    plan = read_plan(context)
    check_table(frame_of(context), plan.schema_)
    calendar = plan.policy.preparation.datetime == "calendar"
    schema = observed(plan.schema_, frame_of(context), calendar=calendar)
    read_as_served(frame_of(context), schema, plan.policy, context.settings, context.log.say)
    for column in schema.numeric:
        share = lost(frame_of(context)[column.name].dropna().to_numpy(np.float64), column.offset)
        if share > MOST_LOST:
            context.log.say(
                f"Of the different values of {column.name!r}, {percent(share)} are too close together to be "
                "told apart at their size: a model learns from it as if they were rounded.",
                "warning",
            )
    context.write(SCHEMA, lambda path: path.write_text(schema.model_dump_json()))
    return {}


def split(context: TaskContext) -> dict[str, Any]:
    """Divide the rows by the hash of their inputs or groups, or by time."""
    divided = split_of(context)
    parts = summary(divided)
    context.log.say(f"Rows: {', '.join(f'{name} {found}' for name, found in parts.items())}.")
    left_out = len(_whole(context)) - len(divided)
    if left_out:
        most = percent(read_plan(context).policy.max_rater_share)
        context.log.say(
            f"{left_out} labelled rows are left out: no rater who is not trusted may supply more than {most} "
            "of them."
        )
    check_split(divided)
    return {}


def search(context: TaskContext) -> dict[str, Any]:
    """Find the best candidate within the budget, reporting each trial as it is made."""
    import_ahead(*NEEDED_LATER)
    plan = read_plan(context)
    learner, settings = row_task_of(plan.schema_.task).learner, context.settings
    scheduler = settings.dask_scheduler_address if learner.parallel_fits else None
    rows = split_of(context)
    processes = settings.training_threads if _pays(plan, rows) and learner.parallel_fits else 1
    with open_pool(scheduler, processes, context.log.say) as pool:
        found = search_candidates(
            rows,
            plan.policy,
            budget_s=plan.budget_s,
            seed=plan.seed,
            asked=plan.candidates,
            pool=pool,
            progress=_Progress(context, plan),
        )
    board = [line.model_dump(mode="json") for line in found.leaderboard]
    context.log.say(
        f"The search tried {found.trials} candidates in {found.seconds:.1f} s on {pool.name} and stopped "
        f"{found.pruned} of them early. It chose {found.best.estimator} by {metric_name(found.metric)} on "
        f"{CHOSEN_ON[found.chosen_on]}."
    )
    best = found.best.as_json()
    context.write_json(
        SEARCHED, {"best": best, "leaderboard": board, "metric": found.metric, "history": found.history}
    )
    return {"row": {"leaderboard": board}}


def _pays(plan: Plan, rows: Split) -> bool:
    """Say whether processes of their own should fit the candidates.

    Not in a run that the score opened: the other cores answer requests meanwhile. Nor in a short one, as each
    takes seconds to start, or where a fit uses every core itself.
    """
    return not plan.by_score and plan.budget_s >= PROCESSES_S and len(rows) < MANY_ROWS


def gate(context: TaskContext) -> dict[str, Any]:
    """Fit the chosen candidate for good, and let the gate decide between it and the champion."""
    plan, rows = read_plan(context), split_of(context)
    candidate = Candidate.model_validate(context.read_json(SEARCHED)["best"])
    trained_at = now()
    pipeline = context.keep(SKOPS_FILE, lambda: fit_final(rows, candidate, plan.seed))
    for_holdout = fit_for_holdout(rows, candidate, plan.seed, pipeline)
    return decide_on(context, rows, candidate, pipeline, for_holdout, trained_at=trained_at)


def decide_on(
    context: TaskContext,
    rows: Split,
    candidate: Candidate,
    pipeline: Pipeline,
    for_holdout: Pipeline,
    *,
    trained_at: datetime,
    kept: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Let the gate decide between a fitted challenger and the champion, and keep what it decided.

    `kept` is for weights that a live run learnt, which answer recent rows as they are: nothing is fitted
    again. It says where they come from, in the receipt.
    """
    plan, learner = read_plan(context), row_task_of(rows.schema.task).learner
    receipt = evaluate(
        rows,
        candidate,
        for_holdout,
        plan.policy,
        champion=_champion(context, plan),
        k=plan.gate_number,
        seed=plan.seed,
        by_score=plan.by_score,
        raters=Raters(sources_of(context), _whole(context)),
        refit=kept is None,
    )
    context.write(f"{FILES}/{SKOPS_FILE}", lambda path: save_pipeline(pipeline, path))
    found, outputs = receipt.as_json(), holdout_outputs(rows, for_holdout)
    if kept is not None:
        found["live"] = kept
    context.write(OUTPUTS, lambda path: path.write_bytes(outputs.astype("<f8").tobytes()))
    cutoff = rows.cutoff
    learnt = rows.allowed if kept is None else rows.fitting
    context.write_json(
        GATED,
        {
            "receipt": found,
            "metrics": holdout_metrics(rows, outputs),
            "cutoff": cutoff.model_dump() if cutoff else None,
            "preparation": learner.prepared(pipeline, candidate, learnt, rows.schema),
            "trained_at": trained_at.isoformat(),
        },
    )
    if plan.champion is not None and (why := not_compared(rows)):
        context.log.say(why)
    context.log.say(" ".join(filter(None, (f"Gate: {receipt.verdict}. {receipt.reason}", receipt.waits))))
    return {"row": {"gate": found, "champion": plan.champion}, "verdict": receipt.verdict}


def compile(context: TaskContext) -> dict[str, Any]:  # noqa: A001  # the step's name
    """Compile the challenger to ONNX and prove that it answers as the trained one does."""
    rows = split_of(context)
    half = context.path("half.onnx")
    scale = None if rows.schema.classes else scale_of(rows.holdout.target)
    compiled = compile_model(_pipeline(context), rows.schema, rows.holdout.frame, half, scale=scale)
    if compiled.engine == "onnx":
        context.write(f"{FILES}/{ONNX_FILE}", lambda path: path.write_bytes(half.read_bytes()))
    else:
        context.path(f"{FILES}/{ONNX_FILE}").unlink(missing_ok=True)  # of a process that died here
    context.write(PARITY, lambda path: path.write_text(compiled.parity.model_dump_json()))
    context.log.say(f"It will be served by {compiled.engine}. {compiled.parity.reason}")
    return {}


def register(context: TaskContext) -> dict[str, Any]:
    """Register the challenger with its lineage and its receipt, whatever the verdict."""
    from data_processor.training.plots import draw  # noqa: PLC0415  # it imports matplotlib: see NEEDED_LATER

    rows, gated, searched = split_of(context), context.read_json(GATED), context.read_json(SEARCHED)
    outputs = _holdout_outputs(context)
    draw(context.path(FILES) / "plots", rows.holdout.target, outputs, rows.schema.classes)
    plan = read_plan(context)
    context.write(
        f"{FILES}/{BACKGROUND_FILE}",
        lambda path: write_background(rows.allowed, rows.schema, plan.seed, path),
    )
    result = Result(
        plan=plan,
        schema=rows.schema,
        candidate=searched["best"],
        leaderboard=searched["leaderboard"],
        selection_metric=searched["metric"],
        history=searched["history"],
        metrics=gated["metrics"],
        preparation=gated["preparation"],
        receipt=gated["receipt"],
        trained_at=datetime.fromisoformat(gated["trained_at"]),
        cutoff=Cutoff.model_validate(gated["cutoff"]) if gated.get("cutoff") else None,
        parity=Parity.model_validate(context.read_json(PARITY)),
        calibration=calibration_of(rows, outputs),
    )
    version = register_version(context, result)
    context.log.say(f"Registered as version {version} of {result.plan.model!r}.")
    return {"row": {"version": version}}


def smoke(context: TaskContext) -> dict[str, Any]:
    """Load the registered version as a stage would; let it answer recorded inputs and rows of its data."""
    row, _ = rows_of(context)
    found = inspect(context, row.model, str(row.version), frame_of(context))
    context.log.say(
        f"Smoke test: {found['replayed']} inputs replayed on {found['engine']}, "
        f"largest difference {found['difference']:.2g}."
    )
    return {}


class _Progress:
    """Reports the search's trials as events of the run, no more often than people can read."""

    def __init__(self, context: TaskContext, plan: Plan) -> None:
        self._log, self._metric = context.log, selection_metric(plan.policy, plan.schema_.task)
        self._trials, self._reported = 0, 0.0

    def __call__(self, share: float, tried: Tried) -> None:
        self._trials += 1
        value = tried.metrics.get(self._metric)
        if value is None or time.monotonic() - self._reported < REPORT_EVERY_S:
            return
        self._reported = time.monotonic()
        body = {"name": self._metric, "value": value, "trial": self._trials, **tried.candidate.as_json()}
        self._log.append("metric", body, progress=SEARCH_FROM + share * (SEARCH_TO - SEARCH_FROM))


def frame_of(context: TaskContext) -> pd.DataFrame:
    """Return the rows of this run's snapshot."""
    plan = read_plan(context)
    return context.keep("frame", lambda: open_version_store(context).read(plan.dataset, plan.dataset_version))


def _whole(context: TaskContext) -> Split:
    """Return all rows, divided."""
    return context.keep("whole", lambda: divide(context, read_plan(context)))


def divide(context: TaskContext, plan: Plan) -> Split:
    """Return the rows of this run's snapshot, divided as a plan says."""
    return prepare_data(
        frame_of(context),
        Schema.model_validate(context.read_json(SCHEMA)),
        plan.salt,
        plan.champion_feedback_seq,
        validate_on_recent=plan.by_score,
        champion=Fitted(plan.champion_holdout, plan.champion_cutoff),
    )


def split_of(context: TaskContext) -> Split:
    """Return the rows that this run learns from and decides by."""
    return context.keep(
        "split", lambda: limit(_whole(context), sources_of(context), read_plan(context).policy)
    )


def sources_of(context: TaskContext) -> Sources:
    """Return who labelled this run's snapshot."""
    return context.keep("sources", lambda: read_sources(context))


def _pipeline(context: TaskContext) -> Pipeline:
    """Return the challenger: as it was fitted, or in a process that came later, as it was saved."""
    trusted = context.settings.trusted_types
    return context.keep(
        SKOPS_FILE, lambda: load_pipeline(context.path(f"{FILES}/{SKOPS_FILE}").read_bytes(), trusted)
    )


def _holdout_outputs(context: TaskContext) -> NDArray[np.float64]:
    """Return what the holdout rows were answered; a gate of an older release did not keep it."""
    rows, kept = split_of(context), context.path(OUTPUTS)
    if not kept.exists():
        return holdout_outputs(rows, _pipeline(context))
    return np.frombuffer(kept.read_bytes(), "<f8").reshape(len(rows.holdout), -1).astype(np.float64)


def _champion(context: TaskContext, plan: Plan) -> Champion | None:
    if plan.champion is None:
        return None
    manifest = registry_of(context).manifest(plan.model, plan.champion)
    folder = registry_of(context).directory(plan.model, plan.champion)
    return Champion(load_engine(folder, manifest, context.settings.trusted_types), manifest.table)

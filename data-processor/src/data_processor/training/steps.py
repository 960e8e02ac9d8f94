"""The heavy steps of a retrain run, carried out one after the other in its child process.

Each leaves its results in the run's folder and may be repeated; a process that starts in the middle reads
what those before it left. `row` in what a step returns are fields of the run's row.
"""

import time
from datetime import datetime
from typing import Any

import pandas as pd
from sklearn.pipeline import Pipeline

from data_processor.datasets.inference import observed
from data_processor.datasets.schema import Schema
from data_processor.models.manifest import BACKGROUND_FILE, ONNX_FILE, SKOPS_FILE, Parity
from data_processor.service.database import now
from data_processor.serving.compile import compile_model
from data_processor.serving.engine import load_engine
from data_processor.training.artefact import load_pipeline, save_pipeline
from data_processor.training.background import write_background
from data_processor.training.candidates import Candidate
from data_processor.training.checks import check_table
from data_processor.training.evaluation import Champion, evaluate, fit_final, reference_metrics
from data_processor.training.gate import selection_metric
from data_processor.training.inspection import inspect
from data_processor.training.leaderboard import Tried
from data_processor.training.pipelines import answer
from data_processor.training.plan import Plan, open_store, read_plan, rows_of
from data_processor.training.pool import open_pool
from data_processor.training.preparation import Split, prepare_data, summary
from data_processor.training.prepared import describe
from data_processor.training.registration import FILES, Result, register_version
from data_processor.training.search import Searched
from data_processor.training.search import search as search_candidates
from data_processor.training.texts.search import search_texts
from data_processor.training.workbench import Workbench, import_ahead

SCHEMA = "schema.json"
SEARCHED = "search.json"
JUDGED = "gate.json"
PARITY = "parity.json"
SEARCH_FROM, SEARCH_TO = 0.18, 0.60
"""The part of a run's progress that the search is."""
TELL_EVERY_S = 0.25
CHOSEN_ON = {
    "recent": "recent rows",
    "validation": "a fifth of the rows",
    "cross-validation": "all rows by cross-validation",
}
NEEDED_LATER = ("skl2onnx", "data_processor.training.plots", "data_processor.adapters.mlflow_registry")
"""What the steps after the search import, three seconds of work, while the search waits for its fits."""


def validate(bench: Workbench) -> dict[str, Any]:
    """Check the snapshot against the dataset's schema, and note what training sees of each column."""
    plan = read_plan(bench)
    check_table(_frame(bench), plan.schema_)
    calendar = plan.policy.preparation.datetime == "calendar"
    schema = observed(plan.schema_, _frame(bench), calendar=calendar)
    bench.write(SCHEMA, lambda path: path.write_text(schema.model_dump_json()))
    return {}


def split(bench: Workbench) -> dict[str, Any]:
    """Divide the rows by the hash of their inputs."""
    parts = summary(_split(bench))
    bench.log.say(f"Rows: {', '.join(f'{name} {found}' for name, found in parts.items())}.")
    return {}


def search(bench: Workbench) -> dict[str, Any]:
    """Find the best candidate within the budget, telling what is tried as it is tried."""
    import_ahead(*NEEDED_LATER)
    plan = read_plan(bench)
    tell = _Teller(bench, plan)
    found, where = _look(bench, plan, tell)
    board = [line.model_dump(mode="json") for line in found.leaderboard]
    bench.log.say(
        f"Tried {found.trials} candidates in {found.seconds:.1f} s on {where}, {found.pruned} "
        f"of them not to their end; chosen on {CHOSEN_ON[found.chosen_on]}. Best by {found.metric}: "
        f"{found.best.estimator}."
    )
    best = found.best.as_json()
    bench.write_json(
        SEARCHED, {"best": best, "leaderboard": board, "metric": found.metric, "history": found.history}
    )
    return {"row": {"leaderboard": board}}


def gate(bench: Workbench) -> dict[str, Any]:
    """Fit the chosen candidate for good, and let the gate decide between it and the champion."""
    plan, rows = read_plan(bench), _split(bench)
    candidate = Candidate.model_validate(bench.read_json(SEARCHED)["best"])
    trained_at = now()
    pipeline = bench.keep(SKOPS_FILE, lambda: fit_final(rows, candidate, plan.seed))
    receipt = evaluate(
        rows,
        candidate,
        pipeline,
        plan.policy,
        champion=_champion(bench, plan),
        k=plan.gate_number,
        seed=plan.seed,
        by_score=plan.by_score,
    )
    bench.write(f"{FILES}/{SKOPS_FILE}", lambda path: save_pipeline(pipeline, path))
    found = receipt.as_json()
    bench.write_json(
        JUDGED,
        {
            "receipt": found,
            "metrics": reference_metrics(rows, pipeline),
            "preparation": describe(pipeline, candidate, rows.allowed, rows.schema),
            "trained_at": trained_at.isoformat(),
        },
    )
    bench.log.say(f"Gate: {receipt.verdict}. {receipt.reason}")
    return {"row": {"gate": found, "champion": plan.champion}, "verdict": receipt.verdict}


def compile(bench: Workbench) -> dict[str, Any]:  # noqa: A001  # the step's name
    """Compile the challenger to ONNX and prove that it answers as it was trained."""
    rows = _split(bench)
    half = bench.path("half.onnx")
    compiled = compile_model(_pipeline(bench), rows.schema, rows.reference.frame, half)
    if compiled.engine == "onnx":
        bench.write(f"{FILES}/{ONNX_FILE}", lambda path: path.write_bytes(half.read_bytes()))
    else:
        bench.path(f"{FILES}/{ONNX_FILE}").unlink(missing_ok=True)  # of a process that died here
    bench.write(PARITY, lambda path: path.write_text(compiled.parity.model_dump_json()))
    bench.log.say(f"Served by {compiled.engine}: {compiled.parity.reason}")
    return {}


def register(bench: Workbench) -> dict[str, Any]:
    """Register the challenger with its lineage and its receipt, whatever the gate said of it."""
    from data_processor.training.plots import draw  # noqa: PLC0415  # it imports matplotlib: see NEEDED_LATER

    rows, judged, searched = _split(bench), bench.read_json(JUDGED), bench.read_json(SEARCHED)
    said = answer(_pipeline(bench), rows.reference.frame)
    draw(bench.path(FILES) / "plots", rows.reference.target, said, rows.schema.classes)
    plan = read_plan(bench)
    bench.write(
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
        metrics=judged["metrics"],
        preparation=judged["preparation"],
        receipt=judged["receipt"],
        trained_at=datetime.fromisoformat(judged["trained_at"]),
        parity=Parity.model_validate(bench.read_json(PARITY)),
    )
    version = register_version(bench, result)
    bench.log.say(f"Registered as version {version} of {result.plan.model!r}.")
    return {"row": {"version": version}}


def smoke(bench: Workbench) -> dict[str, Any]:
    """Fetch the registered version as a stage would, and let it answer recorded inputs."""
    row, _ = rows_of(bench)
    found = inspect(bench, row.model, str(row.version))
    bench.log.say(
        f"Smoke test: {found['replayed']} inputs replayed on {found['engine']}, "
        f"largest difference {found['difference']:.2g}."
    )
    return {}


def _look(bench: Workbench, plan: Plan, tell: "_Teller") -> tuple[Searched, str]:
    """Search as suits the task; return what was found, and on what."""
    terms: dict[str, Any] = {
        "budget_s": plan.budget_s,
        "seed": plan.seed,
        "asked": plan.candidates,
        "progress": tell,
    }
    if plan.schema_.task == "text-classification":
        return search_texts(_split(bench), plan.policy, **terms), "one thread"
    # What the score opened fits one candidate after the other: the cores belong to those who ask meanwhile.
    threads = 1 if plan.by_score else bench.settings.training_threads
    with open_pool(bench.settings.dask_scheduler_address, threads, bench.log.say) as pool:
        return search_candidates(_split(bench), plan.policy, pool=pool, **terms), pool.name


class _Teller:
    """Writes what the search tries to the run's events, not more often than people can read."""

    def __init__(self, bench: Workbench, plan: Plan) -> None:
        self._log, self._metric = bench.log, selection_metric(plan.policy, plan.schema_.task)
        self._trials, self._told = 0, 0.0

    def __call__(self, share: float, tried: Tried) -> None:
        self._trials += 1
        value = tried.metrics.get(self._metric)
        if value is None or time.monotonic() - self._told < TELL_EVERY_S:
            return
        self._told = time.monotonic()
        body = {"name": self._metric, "value": value, "trial": self._trials, **tried.candidate.as_json()}
        self._log.append("metric", body, progress=SEARCH_FROM + share * (SEARCH_TO - SEARCH_FROM))


def _frame(bench: Workbench) -> pd.DataFrame:
    plan = read_plan(bench)
    return bench.keep("frame", lambda: open_store(bench).read(plan.dataset, plan.dataset_version))


def _split(bench: Workbench) -> Split:
    def divide() -> Split:
        plan, schema = read_plan(bench), Schema.model_validate(bench.read_json(SCHEMA))
        return prepare_data(
            _frame(bench), schema, plan.salt, plan.champion_feedback_seq, choose_on_recent=plan.by_score
        )

    return bench.keep("split", divide)


def _pipeline(bench: Workbench) -> Pipeline:
    """Return the challenger: as it was fitted, or in a process that came later, as it was saved."""
    trusted = bench.settings.trusted_types
    return bench.keep(
        SKOPS_FILE, lambda: load_pipeline(bench.path(f"{FILES}/{SKOPS_FILE}").read_bytes(), trusted)
    )


def _champion(bench: Workbench, plan: Plan) -> Champion | None:
    if plan.champion is None:
        return None
    manifest = bench.registry.manifest(plan.model, plan.champion)
    folder = bench.registry.directory(plan.model, plan.champion)
    return Champion(load_engine(folder, manifest, bench.settings.trusted_types), manifest.table)

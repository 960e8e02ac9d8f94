"""From a challenger that met the gate to a version in the registry: its files, its metrics, its lineage."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from data_processor.adapters.mlflow_connection import patiently
from data_processor.features.schema import Schema
from data_processor.features.ties import Cutoff
from data_processor.models.access import registry_of
from data_processor.models.artefact import build_manifest, write_manifest
from data_processor.models.manifest import Lineage, Manifest, Parity
from data_processor.runs.context import TaskContext
from data_processor.statistics.calibration import Calibration
from data_processor.training.plan import Plan

FILES = "files"
"""The folder of everything that is registered."""
MAX_TAG = 5000
"""Fewer characters than MLflow allows a tag."""


@dataclass(frozen=True)
class Result:
    """What a run found, and the gate's receipt."""

    plan: Plan
    schema: Schema
    candidate: dict[str, Any]
    leaderboard: list[dict[str, Any]]
    selection_metric: str
    history: list[float]
    metrics: dict[str, float]
    """On the holdout rows."""
    preparation: dict[str, Any]
    """What fitting made of the options (`tasks/tables/prepared.py`)."""
    receipt: dict[str, Any]
    trained_at: datetime
    cutoff: Cutoff | None
    parity: Parity
    calibration: Calibration | None


def register_version(context: TaskContext, result: Result) -> str:
    """Register the files of a run as the model's next version, once per run; return the version's number.

    Raises `MlflowUnreachableError` after half a minute without an answer.
    """
    # It imports MLflow's client, which takes seconds that steps which only fetch files should not wait for.
    from data_processor.adapters.mlflow_registry import Experiment, MlflowRegistry  # noqa: PLC0415

    plan, files = result.plan, context.path(FILES)
    context.write_json(f"{FILES}/leaderboard.json", result.leaderboard)
    context.write_json(f"{FILES}/receipt.json", result.receipt)
    experiment = Experiment(
        model=plan.model,
        run=plan.run,
        params=_params(result),
        metrics=_metrics(result),
        tags=_tags(result),
        dataset=plan.dataset,
        revision=plan.dataset_revision,
        history={f"search_{result.selection_metric}": result.history},
    )
    registry = MlflowRegistry(context.settings.mlflow_url)
    registered = patiently(registry.register, experiment, files)
    manifest = _manifest(context, result, registered.version, registered.mlflow_run)
    patiently(registry.add_file, registered, write_manifest(manifest, files))
    registry_of(context).add_version(manifest, registered.artefact_uri)
    return registered.version


def _manifest(context: TaskContext, result: Result, version: str, mlflow_run: str) -> Manifest:
    plan = result.plan
    return build_manifest(
        context.path(FILES),
        model=plan.model,
        version=version,
        schema=result.schema,
        policy=plan.policy,
        salt=plan.salt,
        candidate=result.candidate,
        preparation=result.preparation,
        metrics=result.metrics,
        lineage=Lineage(
            dataset=plan.dataset,
            dataset_version=plan.dataset_version,
            dataset_revision=plan.dataset_revision,
            feedback_seq=plan.feedback_seq,
            run=plan.run,
            mlflow_run=mlflow_run,
            code_revision=plan.code_revision,
            trained_at=result.trained_at,
            cutoff=result.cutoff,
        ),
        receipt=result.receipt,
        parity=result.parity,
        calibration=result.calibration,
    )


def _params(result: Result) -> dict[str, object]:
    candidate = result.candidate
    return {
        "estimator": candidate["estimator"],
        "recent_share": candidate["recent_share"],
        **candidate["params"],
        **_vectorizing(candidate.get("vectorizer")),
        "seed": result.plan.seed,
        "budget_s": result.plan.budget_s,
        "selection_metric": result.selection_metric,
    }


def _vectorizing(vectorizer: dict[str, Any] | None) -> dict[str, object]:
    if vectorizer is None:
        return {}
    params = {f"vectorizer_{name}": value for name, value in vectorizer["params"].items()}
    return {"vectorizer": vectorizer["name"], **params}


def _metrics(result: Result) -> dict[str, float]:
    receipt = result.receipt
    gate = {f"gate_{name}": receipt.get(name) for name in ("champion", "challenger", "p_value", "alpha", "n")}
    # The holdout rows' metrics keep the name that MLflow's experiments know them by.
    measured = {f"reference_{name}": value for name, value in result.metrics.items()}
    return measured | {name: float(value) for name, value in gate.items() if value is not None}


def _tags(result: Result) -> dict[str, str]:
    """Return the lineage as people search for it in MLflow."""
    plan = result.plan
    columns = {column.name: column.kind for column in result.schema.columns}
    tags = {
        "dataset": plan.dataset,
        "dataset_version": str(plan.dataset_version),
        "dataset_revision": plan.dataset_revision,
        "code_revision": plan.code_revision,
        "schema": json.dumps({"target": result.schema.target, "columns": columns})[:MAX_TAG],
        "verdict": result.receipt["verdict"],
        "champion": plan.champion or "",
        "stage": plan.stage,
    }
    return {f"loopkeeper.{name}": value for name, value in tags.items()}

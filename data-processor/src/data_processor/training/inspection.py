"""Whether a registered version may be served: its files, its answers, and that both its forms agree."""

from typing import TYPE_CHECKING, Any

import numpy as np

from data_processor.features.packing import Numbers, Packed, pack_rows
from data_processor.models.access import registry_of
from data_processor.models.engine import load_engine
from data_processor.models.manifest import Manifest
from data_processor.models.registry import ArtefactRejectedError
from data_processor.predictions.records import PredictionStore
from data_processor.runs.context import TaskContext, TaskError
from data_processor.serving.loading import LoadedModel, Loader, reason_of
from data_processor.tasks.registry import picture_task, row_task_of
from data_processor.training.asking import read_as_served
from data_processor.training.faces.versions import inspect_recogniser
from data_processor.training.scale import Scale

if TYPE_CHECKING:
    import pandas as pd

REPLAYED = 10
"""Recorded inputs that a version must answer before a stage serves it."""
LARGEST_DIFFERENCE = 1e-3
"""How far compiled answers may be from trained ones: probabilities, and values in units of their spread."""


def inspect(
    context: TaskContext, model: str, version: str, rows: "pd.DataFrame | None" = None
) -> dict[str, Any]:
    """Check a version as a stage would meet it, and return what was checked.

    It is loaded as `serve` loads it: its files fetched from MLflow, compared with their SHA-256, tried. Then
    recorded inputs, and `rows` of its dataset by way of a request, are replayed through its compiled and its
    trained form. Raises `TaskError` saying what is wrong.
    """
    manifest = registry_of(context).manifest(model, version)
    if picture_task(manifest.table.task) is not None:
        return inspect_recogniser(context, model, version)
    if manifest.engine == "onnx" and not manifest.parity.passed:
        raise TaskError(f"Version {version} of {model!r} is compiled but did not pass its parity check.")
    try:
        loaded = _load(context, model, version)
        folder = registry_of(context).directory(model, version)
        described = manifest.model_copy(update={"engine": "scikit-learn"})
        trained = load_engine(folder, described, context.settings.trusted_types)
    except (ArtefactRejectedError, FileNotFoundError) as error:
        raise TaskError(str(error)) from error
    except Exception as error:  # whatever it is, `serve` would meet it too
        raise TaskError(f"Version {version} of {model!r} cannot be served: {reason_of(error)}") from error
    packed = _inputs(context, manifest)
    if rows is not None:
        asked = read_as_served(rows, manifest.table, loaded.policy, context.settings, context.log.say)
        packed = Packed(
            np.concatenate([packed.numeric, asked.numeric]), np.concatenate([packed.strings, asked.strings])
        )
    answers, expected = loaded.engine.predict(*packed), trained.predict(*packed)
    _require_sane(manifest, answers, len(packed.numeric))
    row_task_of(manifest.table.task).answers(answers, manifest.table)
    scale = 1.0 if manifest.table.classes else _scale(manifest).of(expected.astype(np.float64))
    difference = float((np.abs(answers - expected) / scale).max())
    if difference > LARGEST_DIFFERENCE:
        raise TaskError(
            f"The compiled form of version {version} of {model!r} differs from the trained one by up to "
            f"{difference:.2g} on replayed inputs."
        )
    return {"replayed": len(packed.numeric), "difference": difference, "engine": manifest.engine}


def _load(context: TaskContext, model: str, version: str) -> LoadedModel:
    """Load a version as `serve` does."""
    store = PredictionStore(context.settings.predictions_url)
    try:
        store.create_tables()
        return Loader(context.settings, registry_of(context), store).load(model, version)
    finally:
        store.close()


def _scale(manifest: Manifest) -> Scale:
    """Return what differences of a version's values are measured by; of an older one, their size."""
    target = next(column for column in manifest.table.columns if column.name == manifest.table.target)
    middle, spread = target.default_value, manifest.parity.scale
    return Scale(middle, spread) if isinstance(middle, float) and spread else Scale()


def _inputs(context: TaskContext, manifest: Manifest) -> Packed:
    """Return recorded inputs, or default values if none were recorded that this version understands."""
    store = PredictionStore(context.settings.predictions_url)
    try:
        store.create_tables()
        rows = [prediction.inputs for prediction in store.page(manifest.model, limit=REPLAYED)]
    finally:
        store.close()
    try:
        packed = pack_rows(rows, manifest.table)
    except (TypeError, ValueError):  # recorded under a schema in which a column had another kind
        rows = []
    if not rows:
        defaults = {column.name: column.default_value for column in manifest.table.inputs}
        packed = pack_rows([defaults, {}], manifest.table)
    return packed


def _require_sane(manifest: Manifest, answers: Numbers, rows: int) -> None:
    """Raise `TaskError` unless there is one sane answer for each row."""
    name = f"Version {manifest.version} of {manifest.model!r}"
    shape = (rows, len(manifest.table.classes) or 1)
    if answers.shape != shape or not np.isfinite(answers).all():
        raise TaskError(f"{name} did not answer with {shape[0]} x {shape[1]} finite numbers.")
    if manifest.table.classes and not np.allclose(answers.sum(axis=1), 1, atol=1e-3):
        raise TaskError(f"{name} answered with probabilities that do not add up to 1.")

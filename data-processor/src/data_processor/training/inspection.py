"""Whether a registered version may be served: its files, its answers, and that both its forms agree."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_processor.features.packing import Packed, pack_rows
from data_processor.models.access import registry_of
from data_processor.models.engine import load_engine
from data_processor.models.manifest import Manifest
from data_processor.models.registry import ArtefactRejectedError
from data_processor.predictions.records import PredictionStore
from data_processor.runs.context import TaskContext, TaskError

REPLAYED = 10
"""Recorded inputs that a version must answer before a stage serves it."""
LARGEST_DIFFERENCE = 1e-3
"""How far compiled answers may be from trained ones: absolute for probabilities, relative for values."""


def inspect(context: TaskContext, model: str, version: str) -> dict[str, Any]:
    """Check a version as a stage would meet it, and return what was checked.

    Its files are fetched from MLflow, compared with their SHA-256 and loaded; recorded inputs are replayed
    through its compiled and its trained form. Raises `TaskError` saying what is wrong.
    """
    manifest = registry_of(context).manifest(model, version)
    if manifest.engine == "onnx" and not manifest.parity.passed:
        raise TaskError(f"Version {version} of {model!r} is compiled but did not pass its parity check.")
    try:
        folder = registry_of(context).directory(model, version)
        served, trained = (
            load_engine(folder, described, context.settings.trusted_types)
            for described in (manifest, manifest.model_copy(update={"engine": "scikit-learn"}))
        )
    except (ArtefactRejectedError, FileNotFoundError) as error:
        raise TaskError(str(error)) from error
    packed = _inputs(context, manifest)
    answers, expected = served.predict(*packed), trained.predict(*packed)
    _require_sane(manifest, answers, len(packed.numeric))
    scale = 1.0 if manifest.table.classes else max(1.0, float(np.abs(expected).max()))
    difference = float(np.abs(answers - expected).max()) / scale
    if difference > LARGEST_DIFFERENCE:
        raise TaskError(
            f"The compiled form of version {version} of {model!r} differs from the trained one by up to "
            f"{difference:.2g} on replayed inputs."
        )
    return {"replayed": len(packed.numeric), "difference": difference, "engine": manifest.engine}


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


def _require_sane(manifest: Manifest, answers: NDArray[np.float32], rows: int) -> None:
    """Raise `TaskError` unless there is one sane answer for each row."""
    name = f"Version {manifest.version} of {manifest.model!r}"
    shape = (rows, len(manifest.table.classes) or 1)
    if answers.shape != shape or not np.isfinite(answers).all():
        raise TaskError(f"{name} did not answer with {shape[0]} x {shape[1]} finite numbers.")
    if manifest.table.classes and not np.allclose(answers.sum(axis=1), 1, atol=1e-3):
        raise TaskError(f"{name} answered with probabilities that do not add up to 1.")

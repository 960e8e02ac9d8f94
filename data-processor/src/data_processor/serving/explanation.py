"""Which inputs moved one answer most: the task of the child process that keeps versions ready for it."""

import time
from typing import Any

from cachetools import LRUCache

from data_processor.models.access import registry_of
from data_processor.models.background import read_background
from data_processor.models.engine import load_engine
from data_processor.runs.context import TaskContext
from data_processor.tasks.registry import row_task_of
from data_processor.tasks.task import Explainer

HELD = 4
"""Versions kept ready."""


def explain(
    context: TaskContext, model: str, version: str, inputs: dict[str, Any], label: str | None
) -> dict[str, Any]:
    """Explain a version's answer to one input: for a label its probability, else the value. A task."""
    explainer, classes = _ready(context, model, version)
    began = time.perf_counter()
    found = explainer.explain(inputs, classes.index(label) if label is not None else 0)
    return {**vars(found), "milliseconds": round((time.perf_counter() - began) * 1000, 1)}


def _ready(context: TaskContext, model: str, version: str) -> tuple[Explainer, tuple[str, ...]]:
    """Return what explains a version and its classes, loading it if it was not asked for lately."""
    held: LRUCache[tuple[str, str], tuple[Explainer, tuple[str, ...]]] = context.keep(
        "explained", lambda: LRUCache(HELD)
    )
    ready = held.get((model, version))
    if ready is None:
        registry = registry_of(context)
        manifest, folder = registry.manifest(model, version), registry.directory(model, version)
        engine = load_engine(folder, manifest, context.settings.trusted_types)
        explainer = row_task_of(manifest.table.task).explainer
        background = read_background(folder, manifest)
        ready = explainer(engine, manifest.table, background), manifest.table.classes
        held[model, version] = ready
    return ready

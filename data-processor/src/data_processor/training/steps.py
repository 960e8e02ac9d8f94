"""The steps of a training run, each carried out as its model's task wants it: on rows or on pictures.

A run that keeps what a live run learnt searches nothing and fits nothing.

A step's module is imported when it is needed: a run on pictures never imports what fits tables.
"""

from importlib import import_module
from typing import Any

from data_processor.runs.context import TaskContext
from data_processor.tasks.registry import picture_task
from data_processor.training.plan import rows_of

_ROWS = "data_processor.training.tasks"
_SNAPSHOT_OF_ROWS = "data_processor.training.snapshot"
_PICTURES = "data_processor.training.faces.tasks"
_KEPT = "data_processor.training.live.kept"


def snapshot(context: TaskContext) -> dict[str, Any]:
    """Store what is learnt from as a dataset version, and fix the run's terms."""
    return _carry_out(context, "snapshot", _SNAPSHOT_OF_ROWS)


def validate(context: TaskContext) -> dict[str, Any]:
    """Check the snapshot."""
    return _carry_out(context, "validate")


def split(context: TaskContext) -> dict[str, Any]:
    """Divide it into what is fitted to and what decides."""
    return _carry_out(context, "split")


def search(context: TaskContext) -> dict[str, Any]:
    """Find the best candidate within the budget."""
    return _carry_out(context, "search")


def gate(context: TaskContext) -> dict[str, Any]:
    """Fit it for good, and let the gate decide between it and the champion."""
    return _carry_out(context, "gate")


def compile(context: TaskContext) -> dict[str, Any]:  # noqa: A001  # the step's name
    """Bring it into the form that is served, and prove that it answers the same."""
    return _carry_out(context, "compile")


def register(context: TaskContext) -> dict[str, Any]:
    """Register it with its lineage and its receipt."""
    return _carry_out(context, "register")


def smoke(context: TaskContext) -> dict[str, Any]:
    """Load it as a stage would, and ask it."""
    return _carry_out(context, "smoke")


def _carry_out(context: TaskContext, step: str, of_rows: str = _ROWS) -> dict[str, Any]:
    row, model = rows_of(context)
    if row.options.get("live"):
        of_rows = _KEPT
    module = import_module(_PICTURES if picture_task(model.task) is not None else of_rows)
    found: dict[str, Any] = getattr(module, step)(context)
    return found

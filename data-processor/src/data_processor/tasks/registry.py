"""The tasks there are, by name: the one place that knows them all."""

from collections.abc import Mapping
from typing import Final

from data_processor.features.schema import Kind
from data_processor.tasks.faces.task import FaceRecognition
from data_processor.tasks.tables.task import TabularClassification, TabularRegression
from data_processor.tasks.task import PictureTask, RowTask, Target, Task, TaskDescription
from data_processor.tasks.texts.task import TextClassification

_TASKS: Final[dict[str, Task]] = {}
_ROW_TASKS: Final[dict[str, RowTask]] = {}
_PICTURE_TASKS: Final[dict[str, PictureTask]] = {}


class UnknownTaskError(LookupError):
    """There is no task of this name."""

    def __init__(self, name: str) -> None:
        """Name it, and those that there are."""
        super().__init__(f"There is no task {name!r}; there are {', '.join(_TASKS)}.")


class NotForRowsError(UnknownTaskError):
    """There is such a task, but what it takes are not rows of a table."""

    def __init__(self, name: str) -> None:
        """Name those that take rows."""
        LookupError.__init__(
            self, f"{name!r} takes {_TASKS[name].description.takes}, no tables; {', '.join(_ROW_TASKS)} do."
        )


def register(task: RowTask) -> None:
    """Make a task for rows known under its name; raises `ValueError` if the name is taken."""
    _register(task)
    _ROW_TASKS[task.description.task] = task


def _register(task: Task) -> None:
    name = task.description.task
    if name in _TASKS:
        raise ValueError(f"There is a task {name!r} already.")
    _TASKS[name] = task


def unregister(name: str) -> None:
    """Forget a task: for tests that register their own."""
    del _TASKS[name], _ROW_TASKS[name]


def task_of(name: str) -> Task:
    """Return the task of this name; raises `UnknownTaskError`."""
    try:
        return _TASKS[name]
    except KeyError:
        raise UnknownTaskError(name) from None


def row_task_of(name: str) -> RowTask:
    """Return the task of this name; raises `UnknownTaskError`, and `NotForRowsError` if it takes no rows."""
    if name in _TASKS and name not in _ROW_TASKS:
        raise NotForRowsError(name)
    try:
        return _ROW_TASKS[name]
    except KeyError:
        raise UnknownTaskError(name) from None


def picture_task(name: str | None) -> PictureTask | None:
    """Return the task of this name if it takes pictures."""
    return _PICTURE_TASKS.get(name or "")


def descriptions() -> list[TaskDescription]:
    """Describe every task."""
    return [task.description for task in _TASKS.values()]


def likely_task(target: Target, inputs: Mapping[str, Kind]) -> RowTask:
    """Return the task that a table is probably meant for: of those that suit it the most particular one."""
    wanted = "quantity" if target.is_quantity else "classes"
    kinds = tuple(inputs.values())
    fitting = [
        (suits.inputs is not None, task)
        for task in _ROW_TASKS.values()
        if (suits := task.description.suits) and suits.target == wanted and suits.inputs in (None, kinds)
    ]
    return max(fitting, key=lambda found: found[0])[1]


for _task in (TabularClassification(), TabularRegression(), TextClassification()):
    register(_task)
_faces = FaceRecognition()
_register(_faces)
_PICTURE_TASKS[_faces.description.task] = _faces

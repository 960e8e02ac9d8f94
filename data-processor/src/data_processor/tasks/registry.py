"""The tasks there are, by name: the one place that knows them all."""

from collections.abc import Mapping
from typing import Final

from data_processor.features.schema import Kind
from data_processor.tasks.tables.task import TabularClassification, TabularRegression
from data_processor.tasks.task import Target, Task, TaskDescription
from data_processor.tasks.texts.task import TextClassification

_TASKS: Final[dict[str, Task]] = {}


class UnknownTaskError(LookupError):
    """There is no task of this name."""

    def __init__(self, name: str) -> None:
        """Name it, and those that there are."""
        super().__init__(f"There is no task {name!r}; there are {', '.join(_TASKS)}.")


def register(task: Task) -> None:
    """Make a task known under its name; raises `ValueError` if the name is taken."""
    name = task.description.task
    if name in _TASKS:
        raise ValueError(f"There is a task {name!r} already.")
    _TASKS[name] = task


def unregister(name: str) -> None:
    """Forget a task: for tests that register their own."""
    del _TASKS[name]


def task_of(name: str) -> Task:
    """Return the task of this name; raises `UnknownTaskError`."""
    try:
        return _TASKS[name]
    except KeyError:
        raise UnknownTaskError(name) from None


def descriptions() -> list[TaskDescription]:
    """Describe every task."""
    return [task.description for task in _TASKS.values()]


def likely_task(target: Target, inputs: Mapping[str, Kind]) -> Task:
    """Return the task that a table is probably meant for: of those that suit it the most particular one."""
    wanted = "quantity" if target.is_quantity else "classes"
    kinds = tuple(inputs.values())
    fitting = [
        task
        for task in _TASKS.values()
        if task.description.suits.target == wanted and task.description.suits.inputs in (None, kinds)
    ]
    return max(fitting, key=lambda task: task.description.suits.inputs is not None)


for _task in (TabularClassification(), TabularRegression(), TextClassification()):
    register(_task)

"""Whether what is asked of a task is declared: every wrong field, with its place in the request."""

from data_processor.features.hyperparameters import problems
from data_processor.service.errors import FieldError
from data_processor.tasks.task import TaskDescription


def estimator_problems(
    task: TaskDescription, name: str, params: dict[str, object], *loc: str | int
) -> list[FieldError]:
    """Return what is wrong with an estimator that is asked for, with its place in the request."""
    known = {one.name: one for one in task.estimators}
    if name not in known:
        there = f"there are {', '.join(known)}" if known else "nothing can be trained for it"
        return [{"loc": [*loc, "estimator"], "message": f"there is no {name!r} for {task.task}; {there}"}]
    return problems(known[name].hyperparameters, params, name, *loc, "params")


def vectorizer_problems(
    task: TaskDescription, name: str, params: dict[str, object], *loc: str | int
) -> list[FieldError]:
    """Return what is wrong with a vectorizer that is asked for, with its place in the request."""
    known = {one.name: one for one in task.vectorizers}
    if name not in known:
        there = f"there are {', '.join(known)}" if known else "it takes none"
        return [{"loc": [*loc, "vectorizer"], "message": f"there is no {name!r} for {task.task}; {there}"}]
    return problems(known[name].hyperparameters, params, name, *loc, "vectorizer", "params")

"""What people may ask of a live run: checked before anything is kept, and refused in a sentence."""

from collections.abc import Mapping

from sqlalchemy.orm import Session

from data_processor.features.hyperparameters import LiveEstimator, Value, problems
from data_processor.models.repository import find_model
from data_processor.rows import LiveRunRow, ModelRow, RunRow
from data_processor.service.errors import Conflict, FieldError, Invalid
from data_processor.tasks.incremental.declared import conflict
from data_processor.tasks.registry import task_of
from data_processor.tasks.requests import vectorizer_problems
from data_processor.training.live.repository import Applied, changes, checkpoints
from data_processor.training.live.schemas import ForkRequest

DONE_NOTHING = "Nothing was done; see the message of each field."


def require_checkpoints(session: Session, live: LiveRunRow) -> None:
    """Raise `Conflict` if there is no state that anybody could go on from."""
    if checkpoints(session, live.run):
        return
    if live.epoch > live.parent_epoch:
        raise Conflict(
            f"Live run {live.run} ended long ago and its checkpoints are deleted; start another one.",
            run=live.run,
        )
    raise Conflict(f"Live run {live.run} has not begun to learn yet; wait for its first epoch.", run=live.run)


def model_of(session: Session, row: RunRow) -> ModelRow:
    """Return a run's model; raises `Conflict` if another one has its name since, with other holdout rows."""
    model = find_model(session, row.model)
    if model.created_at > row.created_at:
        raise Conflict(
            f"Run {row.id} belongs to a model {row.model!r} that was deleted since; start another live run.",
            run=row.id,
        )
    return model


def check_epoch(live: LiveRunRow, epoch: int, first: int) -> None:
    """Raise `Invalid` unless a run has the weights of an epoch, and they are of use."""
    last = live.epoch if live.diverged is None else min(live.epoch, live.diverged["epoch"] - 1)
    if first <= epoch <= last:
        return
    message = f"run {live.run} has the epochs {first} to {last}"
    if live.parent and epoch < first:
        message += f"; earlier ones are those of run {live.parent}"
    if epoch > last and live.diverged is not None:
        message += "; then it diverged"
    raise invalid([{"loc": ["body", "epoch"], "message": message}])


def refuse_diverged(live: LiveRunRow) -> None:
    """Raise `Conflict` if a run cannot learn on."""
    if live.diverged is not None:
        raise Conflict(f"{live.diverged['reason']} Fork it from an earlier epoch.", run=live.run)


def live_estimator(task: str, name: str) -> LiveEstimator:
    """Return what learns epoch by epoch under this name; raises `Invalid`."""
    known = {one.name: one for one in task_of(task).description.live_estimators}
    if name not in known:
        message = f"{name!r} does not learn epoch by epoch; choose one of {', '.join(known)}"
        raise invalid([{"loc": ["body", "estimator"], "message": message}])
    return known[name]


def place_of_fork(
    session: Session, live: LiveRunRow, asked: ForkRequest
) -> tuple[int, int, int | None, dict[str, Value]]:
    """Return where a fork leaves: epoch, rows, the change it comes before, and what is in force there."""
    if asked.epoch is not None and asked.change is not None:
        message = "give the epoch or the number of the change, not both"
        raise invalid([{"loc": ["body", "change"], "message": message}])
    require_checkpoints(session, live)
    applied = changes(session, live.run)
    if asked.change is not None:
        found = next((one for one in applied if one.number == asked.change), None)
        if found is None:
            message = f"run {live.run} has {len(applied)} changes"
            raise invalid([{"loc": ["body", "change"], "message": message}])
        before = [one for one in applied if one.number < asked.change]
        return found.epoch, found.row, asked.change, _in_force(live, before)
    epoch = asked.epoch
    if epoch is None:
        epoch = live.parent_epoch if asked.replay or live.best_epoch is None else live.best_epoch
    check_epoch(live, epoch, live.parent_epoch)
    if epoch == live.parent_epoch:  # where it began, perhaps between two epochs
        return epoch, live.parent_row, None, dict(live.first_hyperparameters)
    return epoch, 0, None, _in_force(live, [one for one in applied if (one.epoch, one.row) < (epoch, 0)])


def _in_force(live: LiveRunRow, applied: list[Applied]) -> dict[str, Value]:
    values = dict(live.first_hyperparameters)
    for one in applied:
        values |= one.values
    return values


def checked(
    estimator: LiveEstimator, values: Mapping[str, Value], asked: Mapping[str, Value], *loc: str
) -> dict[str, Value]:
    """Return values with what was asked for; raises `Invalid` naming every field that is not possible."""
    place = ("body", *loc)
    found = problems(estimator.hyperparameters, asked, estimator.title, *place)
    together = {**values, **asked}
    if not found and (wrong := conflict(together, list(asked))):
        found.append({"loc": [*place, wrong[0]], "message": wrong[1]})
    if found:
        raise invalid(found)
    whole = {one.name for one in estimator.hyperparameters if one.kind == "integer"}
    return {
        name: int(value) if name in whole and value is not None else value for name, value in together.items()
    }


def check_vectorizer(task: str, name: str | None) -> None:
    """Raise `Invalid` unless a task has this vectorizer."""
    described = task_of(task).description
    if name is None:
        return
    if not described.vectorizers:
        message = "only models for texts have one; leave it out"
        raise invalid([{"loc": ["body", "vectorizer"], "message": message}])
    if wrong := vectorizer_problems(described, name, {}, "body"):
        raise invalid(wrong)


def invalid(errors: list[FieldError]) -> Invalid:
    """Return the error that names what is wrong with each field."""
    return Invalid(DONE_NOTHING, errors=errors)

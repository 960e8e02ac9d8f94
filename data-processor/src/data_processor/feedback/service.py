"""Feedback: recorded, counted and evaluated by the controller, all in the acknowledged transaction."""

from collections.abc import Callable, Mapping
from hashlib import sha256
from threading import Lock
from typing import Any, NamedTuple, Protocol

from sqlalchemy import bindparam, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from data_processor.caller import Caller
from data_processor.database import Database
from data_processor.features.cells import cell_reader, label_reader
from data_processor.features.packing import text
from data_processor.features.reading import UnreadableError
from data_processor.features.schema import Column, Schema
from data_processor.feedback import repository
from data_processor.feedback.estimates import Estimates
from data_processor.feedback.idempotency import StoredResponses
from data_processor.feedback.schemas import Feedback, FeedbackRequest
from data_processor.feedback.scoreboard import Scoreboard
from data_processor.models.policy import Policy
from data_processor.predictions.records import Prediction, PredictionLookup
from data_processor.rows import ModelRow, VersionRow
from data_processor.runs.service import Runs
from data_processor.service.database import now
from data_processor.service.errors import FieldError, Invalid, NotFound
from data_processor.service.trace_context import current_trace_id
from data_processor.settings import Settings
from data_processor.tasks.registry import task_of
from data_processor.tasks.task import FeedbackRefusedError, Said


class Count(Protocol):
    """Counts feedback."""

    def __call__(self, model: str, version: str, *, correct: bool, asked: bool) -> None:
        """Count what one person said of one prediction."""


class Learn(Protocol):
    """Learns at once from feedback on one answer; what runs learn from it later is another matter."""

    def __call__(self, prediction: Prediction, caller: Caller, *, correct: bool) -> None:
        """Learn from what a person said of a prediction; repeating it changes nothing."""


class FeedbackService:
    """The feedback on the predictions of one stage, and what follows from it."""

    def __init__(
        self,
        database: Database,
        settings: Settings,
        predictions: PredictionLookup,
        runs: Runs,
        *,
        estimates: Estimates | None = None,
        count: Count | None = None,
        learn: Learn | None = None,
    ) -> None:
        """Keep feedback in the records database; open runs if the settings say that this stage does.

        `count` is told of what was given: of which model and version, correct or not, asked for or not.
        `learn` is told after it was recorded, also of feedback that is repeated.
        """
        self._learn = learn
        self._database = database
        self._predictions = predictions
        self._count = count
        self._scoreboard = Scoreboard(database, settings, runs, estimates)
        self._stage = settings.stage
        self._responses = StoredResponses(settings.idempotency_keep_h)
        self._targets: dict[tuple[str, str], _Target] = {}
        self._turn = Lock()
        # The lock makes a model's feedback one queue over all processes: nobody decides on half a score.
        self._find_model = database.lock(
            select(ModelRow.task, ModelRow.policy).where(ModelRow.name == bindparam("name"))
        )

    def give(
        self, prediction: str, caller: Caller, body: FeedbackRequest, key: str | None = None
    ) -> tuple[int, dict[str, Any]]:
        """Record a caller's feedback on a prediction; return 201, or 200 if they gave some before, and it.

        At a checkpoint the controller's decision, and the run it opens, are part of the transaction. Raises
        `NotFound` for a prediction that the caller may not see, `Invalid` for feedback that contradicts it,
        `Conflict` for a key that was used with another body.
        """
        found = self._predictions.get(prediction)
        if found is None or not (caller.sees_everything or found.subject == caller.subject):
            raise NotFound(f"There is no prediction {prediction!r}.")
        # One writer at a time, fairly: SQLite would let them wait for each other by sleeping.
        with self._turn:
            try:
                answer = self._give(found, caller, body, key)
            except IntegrityError:
                # The same request to another process took the key meanwhile: now its answer is there.
                answer = self._give(found, caller, body, key)
        if self._learn is not None:
            self._learn(found, caller, correct=answer[1]["correct"])
        if self._count is not None:
            self._count(found.model, found.version, correct=answer[1]["correct"], asked=found.asked)
        return answer

    def score(self, model: str, stage: str | None = None) -> dict[str, Any]:
        """Return the score of what a stage serves, as the public face shows it; raises `NotFound`."""
        return self._scoreboard.score(model, stage).model_dump(mode="json")

    def history(self, model: str, limit: int) -> list[dict[str, Any]]:
        """Return the newest points of the score, oldest first; raises `NotFound`."""
        return [point.model_dump(mode="json") for point in self._scoreboard.history(model, limit)]

    def resume(self, model: str, caller: Caller, reason: str) -> dict[str, Any]:
        """Let a paused controller open runs again, and return the score; raises `NotFound`."""
        return self._scoreboard.resume(model, caller.subject, reason).model_dump(mode="json")

    def _give(
        self, prediction: Prediction, caller: Caller, body: FeedbackRequest, key: str | None
    ) -> tuple[int, dict[str, Any]]:
        digest = sha256(f"{prediction.id}\0{body.model_dump_json()}".encode()).hexdigest()
        with self._database.transaction() as session:
            model = session.execute(self._find_model, {"name": prediction.model}).one_or_none()
            if model is None:
                raise NotFound(f"There is no model {prediction.model!r}.")
            if key and (earlier := self._responses.find(session, caller.subject, key, digest)):
                return earlier
            policy = Policy.model_validate(model.policy)
            target = self._target_of(session, prediction)
            truth = _understand(model.task, body, prediction.output, target, policy.tolerance)
            again = repository.given_before(session, prediction.id, caller.subject)
            given = _append(
                session, prediction, caller, truth, body.comment, group=_group(prediction, target)
            )
            if (policy.use_pinned or not prediction.pinned) and prediction.stage == self._stage:
                seq = int(given.id)
                self._scoreboard.evaluate(session, prediction.model, policy, prediction.version, seq)
            answer = 200 if again else 201, given.model_dump(mode="json")
            if key:
                self._responses.store(session, caller.subject, key, digest, answer)
        return answer

    def _target_of(self, session: Session, prediction: Prediction) -> "_Target":
        """Return how the version that answered reads its target."""
        name = (prediction.model, prediction.version)
        if name not in self._targets:
            row = session.get(VersionRow, name)
            schema = Schema.model_validate(row.manifest["table"]) if row is not None else None
            # A version that was deleted meanwhile still named its classes in its answers.
            classes = (schema and schema.classes) or tuple(prediction.output.get("probabilities", ()))
            columns = schema.columns if schema else ()
            column = next((one for one in columns if schema and one.name == schema.target), None)
            self._targets[name] = _Target(
                classes,
                label_reader(column, classes),
                cell_reader(column or Column(name="value", kind="numeric")),
                schema.holdout.groups if schema else None,
            )
        return self._targets[name]


class _Target(NamedTuple):
    """What is true is said as the table has it."""

    classes: tuple[str, ...]
    label: Callable[[Any], str]
    """Finds the class that is meant; what is none of them stays as it is."""
    value: Callable[[Any], Any]
    groups: str | None
    """The column that says what a prediction is about, where rows belong together."""


def _understand(
    task: str, body: FeedbackRequest, output: Mapping[str, Any], target: _Target, tolerance: float
) -> Said:
    """Return feedback with what it implies; raises `Invalid` where it contradicts itself or the model."""
    try:
        label = target.label(body.label) if body.label is not None else None
        said = Said(body.correct, label, _value(body.value, target))
        return task_of(task).understand(said, output, classes=target.classes, tolerance=tolerance)
    except FeedbackRefusedError as refused:
        error = FieldError(loc=["body", refused.field], message=str(refused))
        raise Invalid("The feedback was not taken.", errors=[error]) from refused


def _value(given: float | str | None, target: _Target) -> float | None:
    """Return a true value as a number; raises `FeedbackRefusedError`."""
    if given is None or not isinstance(given, str):
        return None if given is None else float(given)
    try:
        read = target.value(given)
    except UnreadableError as error:
        raise FeedbackRefusedError("value", str(error)) from error
    return float(read) if isinstance(read, int | float) else None


def _group(prediction: Prediction, target: _Target) -> str | None:
    """Return what a prediction is about, if that was sent."""
    value = prediction.inputs.get(target.groups) if target.groups is not None else None
    return None if value is None else text(value)


def _append(
    session: Session,
    prediction: Prediction,
    caller: Caller,
    truth: Said,
    comment: str | None,
    *,
    group: str | None,
) -> Feedback:
    given: dict[str, Any] = {
        "prediction": prediction.id,
        "model": prediction.model,
        "version": prediction.version,
        "subject": caller.subject,
        "correct": truth.correct,
        "label": truth.label,
        "value": truth.value,
        "comment": comment or None,
        "at": now(),
    }
    counted = {
        "stage": prediction.stage,
        "pinned": prediction.pinned,
        "asked": prediction.asked,
        "trusted": caller.trusted,
        "own": prediction.subject == caller.subject,
        "belongs_to": group,
    }
    number = repository.append(session, {**given, **counted})
    return Feedback.model_validate({"id": str(number), **given, "trace_id": current_trace_id()})

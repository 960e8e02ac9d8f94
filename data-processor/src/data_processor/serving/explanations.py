"""What moved a prediction most, for whoever may see it.

The work is done by a child process, which is started when the first explanation is asked for and ends when
none was for a while: the libraries it takes never come near the process that answers predictions.
"""

import queue
import secrets
import shutil
import threading
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

import structlog

from data_processor.caller import Caller
from data_processor.models.manifest import BACKGROUND_FILE, Manifest
from data_processor.models.registry import Registry
from data_processor.predictions.records import Prediction
from data_processor.runs.child import Child, ChildFailedError, ChildGoneError
from data_processor.service.errors import Conflict, NotFound, NotReady
from data_processor.serving.history import History
from data_processor.serving.schemas import Contribution, Explanation
from data_processor.settings import Settings

log = structlog.get_logger(__name__)

IDLE_S = 600
"""After so long without a question the child ends; the next question waits some seconds for a new one."""
LONGEST_S = 45
"""How long somebody waits for an explanation; a child that needs longer is ended."""
MOST_WAITING = 32


@dataclass(frozen=True, eq=False)
class _Question:
    arguments: dict[str, Any]
    answer: "Future[dict[str, Any]]" = field(default_factory=Future)


class Explanations:
    """Explains recorded predictions."""

    def __init__(self, settings: Settings, history: History, registry: Registry) -> None:
        """Explain what the history shows; nothing is started yet."""
        self._settings = settings
        self._history = history
        self._registry = registry
        self._folder = settings.runs_dir / f"explanations-{secrets.token_hex(4)}"
        self._questions: queue.Queue[_Question | None] = queue.Queue(MOST_WAITING)
        self._child: Child | None = None
        # Linux ties a child's life to the thread that starts it, so one thread does nothing else.
        self._thread = threading.Thread(target=self._work, name="explanations", daemon=True)

    def start(self) -> None:
        """Wait for questions."""
        self._thread.start()

    def close(self) -> None:
        """End the child; who still waits hears of it."""
        if self._thread.is_alive():
            if child := self._child:
                child.kill()
            self._questions.put(None)
            self._thread.join()

    def explain(self, prediction: str, caller: Caller) -> Explanation:
        """Return which inputs moved a prediction most: blocks.

        Raises `NotFound` for one that is not the caller's to see, `Conflict` when its version cannot be
        explained, `NotReady` when that fails or takes too long.
        """
        found = self._history.find(prediction, caller)
        manifest = self._manifest(found)
        label = found.output.get("label")
        question = _Question(
            {"model": found.model, "version": found.version, "inputs": found.inputs, "label": label}
        )
        try:
            self._questions.put_nowait(question)
            told = question.answer.result(LONGEST_S)
        except queue.Full as error:
            raise _not_now("Too many explanations are waited for already") from error
        except TimeoutError as error:
            question.answer.cancel()
            if child := self._child:
                child.kill()
            raise _not_now(f"The explanation was not ready within {LONGEST_S} s") from error
        except ChildFailedError as error:
            raise NotReady(f"Prediction {prediction} cannot be explained: {error}") from error
        except ChildGoneError as error:
            raise _not_now("The process that explains predictions has ended") from error
        return _explanation(found, manifest, told)

    def _manifest(self, found: Prediction) -> Manifest:
        name = f"Version {found.version} of {found.model!r}, which answered prediction {found.id},"
        try:
            manifest = self._registry.manifest(found.model, found.version)
        except NotFound as error:
            raise Conflict(f"{name} was deleted, so its answer cannot be explained any more.") from error
        if BACKGROUND_FILE not in manifest.artefacts:
            raise Conflict(
                f"{name} was registered without a background sample, so its answers cannot be explained; "
                "versions trained from now on have one."
            )
        return manifest

    def _work(self) -> None:
        while True:
            try:
                question = self._questions.get(timeout=IDLE_S if self._child else None)
            except queue.Empty:
                self._end()
                continue
            if question is None:
                self._end()
                return
            if not question.answer.set_running_or_notify_cancel():
                continue
            try:
                question.answer.set_result(self._ask(question.arguments))
            except Exception as error:  # noqa: BLE001  # whoever asked raises it
                if not isinstance(error, ChildFailedError):
                    self._end()
                question.answer.set_exception(error)

    def _ask(self, arguments: dict[str, Any]) -> dict[str, Any]:
        if self._child is None:
            self._child = Child(self._settings, self._folder)
            log.info("explaining_began", process=self._child.process_id)
        return self._child.ask("explain", **arguments)

    def _end(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            child.close()
            shutil.rmtree(self._folder, ignore_errors=True)
            log.info("explaining_ended", process=child.process_id)


def _not_now(what: str) -> NotReady:
    return NotReady(f"{what}; try again in a moment.", headers={"Retry-After": "2"})


def _explanation(found: Prediction, manifest: Manifest, told: dict[str, Any]) -> Explanation:
    label, target = found.output.get("label"), manifest.table.target
    moved = sorted(told["contributions"].items(), key=lambda item: -abs(item[1]))
    return Explanation(
        prediction=found.id,
        model=found.model,
        version=found.version,
        explained=f"the probability of {label!r}" if label is not None else f"the value of {target!r}",
        label=label,
        unit="probability" if label is not None else target,
        method=told["method"],
        background_rows=told["background_rows"],
        evaluations=told["evaluations"],
        milliseconds=told["milliseconds"],
        baseline=told["baseline"],
        value=told["value"],
        contributions=[
            Contribution(input=name, given=found.inputs.get(name), contribution=amount)
            for name, amount in moved
        ],
        words=told.get("words"),
    )

"""Explains recorded predictions to those who may see them: which inputs moved the answer most.

A child process does the work. It starts with the first request for an explanation and ends when there was
none for a while: the libraries that it needs never enter the process that answers predictions.
"""

import queue
import secrets
import shutil
import threading
from concurrent.futures import Future
from contextvars import Context, copy_context
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
from data_processor.tasks.registry import picture_task

log = structlog.get_logger(__name__)

IDLE_S = 600
"""Seconds without a request after which the child ends; the next request waits for a new one to start."""
LONGEST_S = 45
"""The most seconds that an explanation may take; a child that needs longer is killed."""
MOST_WAITING = 32
"""The most requests that may wait for the child."""


@dataclass(frozen=True, eq=False)
class _Request:
    arguments: dict[str, Any]
    future: "Future[dict[str, Any]]" = field(default_factory=Future)
    context: Context = field(default_factory=copy_context)
    """That of whoever asks: the trace goes on in the child."""


class Explanations:
    """Explains recorded predictions."""

    def __init__(self, settings: Settings, history: History, registry: Registry) -> None:
        """Explain the predictions of the history; nothing is started yet."""
        self._settings = settings
        self._history = history
        self._registry = registry
        self._folder = settings.runs_dir / f"explanations-{secrets.token_hex(4)}"
        self._requests: queue.Queue[_Request | None] = queue.Queue(MOST_WAITING)
        self._child: Child | None = None
        # Linux ties a child's life to the thread that starts it, so one thread does nothing else.
        self._thread = threading.Thread(target=self._work, name="explanations", daemon=True)

    def start(self) -> None:
        """Start waiting for requests."""
        self._thread.start()

    def close(self) -> None:
        """End the child; whoever still waits gets an error."""
        if self._thread.is_alive():
            if child := self._child:
                child.kill()
            self._requests.put(None)
            self._thread.join()

    def explain(self, prediction: str, caller: Caller) -> Explanation:
        """Return which inputs moved a prediction most; blocks.

        Raises `NotFound` for a prediction that the caller may not see, `Conflict` when its version cannot be
        explained, `NotReady` when explaining fails or takes too long.
        """
        found = self._history.find(prediction, caller)
        manifest = self._manifest(found)
        label = found.output.get("label")
        request = _Request(
            {"model": found.model, "version": found.version, "inputs": found.inputs, "label": label}
        )
        try:
            self._requests.put_nowait(request)
            shares = request.future.result(LONGEST_S)
        except queue.Full as error:
            raise _not_now("Too many explanations are being computed") from error
        except TimeoutError as error:
            request.future.cancel()
            if child := self._child:
                child.kill()
            raise _not_now(f"The explanation was not ready within {LONGEST_S} s") from error
        except ChildFailedError as error:
            raise NotReady(f"Prediction {prediction} cannot be explained: {error}") from error
        except ChildGoneError as error:
            raise _not_now("The process that explains predictions ended") from error
        return _explanation(found, manifest, shares)

    def _manifest(self, found: Prediction) -> Manifest:
        name = f"Version {found.version} of {found.model!r}, which made prediction {found.id},"
        try:
            manifest = self._registry.manifest(found.model, found.version)
        except NotFound as error:
            raise Conflict(f"{name} was deleted, so the prediction can no longer be explained.") from error
        if picture_task(manifest.table.task) is not None:
            raise Conflict(
                f"{name} recognises faces: its answers follow from the nearest face in the gallery, and "
                "there is no input to take apart."
            )
        if BACKGROUND_FILE not in manifest.artefacts:
            raise Conflict(
                f"{name} was registered without a background sample, so its predictions cannot be explained; "
                "train a new version, which will have one."
            )
        return manifest

    def _work(self) -> None:
        while True:
            try:
                request = self._requests.get(timeout=IDLE_S if self._child else None)
            except queue.Empty:
                self._end()
                continue
            if request is None:
                self._end()
                return
            if not request.future.set_running_or_notify_cancel():
                continue
            try:
                request.future.set_result(request.context.run(self._ask, request.arguments))
            except Exception as error:  # noqa: BLE001  # whoever waits for it raises it
                if not isinstance(error, ChildFailedError):
                    self._end()
                request.future.set_exception(error)

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


def _explanation(found: Prediction, manifest: Manifest, shares: dict[str, Any]) -> Explanation:
    label, target = found.output.get("label"), manifest.table.target
    moved = sorted(shares["contributions"].items(), key=lambda item: -abs(item[1]))
    return Explanation(
        prediction=found.id,
        model=found.model,
        version=found.version,
        explained=f"the probability of {label!r}" if label is not None else f"the value of {target!r}",
        label=label,
        unit="probability" if label is not None else target,
        method=shares["method"],
        background_rows=shares["background_rows"],
        evaluations=shares["evaluations"],
        milliseconds=shares["milliseconds"],
        baseline=shares["baseline"],
        value=shares["value"],
        contributions=[
            Contribution(input=name, given=found.inputs.get(name), contribution=amount)
            for name, amount in moved
        ],
        words=shares.get("words"),
    )

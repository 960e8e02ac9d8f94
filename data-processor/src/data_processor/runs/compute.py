"""The child process of a run: reads tasks from standard input, one JSON line each, and answers in kind.

It ends with its worker, however that ends: its standard input closes, and on Linux the kernel kills it. While
an old child is still dying, a new one waits for the lock on the run's folder: two never work on the same run.
"""

import ctypes
import importlib
import json
import logging
import os
import queue
import signal
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from filelock import FileLock
from pydantic import SecretStr

from data_processor.runs.context import TaskContext
from data_processor.runs.limits import Limits
from data_processor.service.logging import configure_logging
from data_processor.service.signals import DeclaredSpan
from data_processor.service.spans import traced
from data_processor.service.storage import outage
from data_processor.service.telemetry import configure_telemetry, end_telemetry
from data_processor.service.trace_context import parse_traceparent
from data_processor.settings import Settings

LONGEST = 500
"""Characters of an error message that are repeated to the user."""
PR_SET_PDEATHSIG = 1
WITHHELD = SecretStr("withheld-from-children")
SPANS = (
    DeclaredSpan(
        "{task}",
        "internal",
        "A task of a step, in the child process that carries it out; not under hard limits.",
        (),
        ("error.type",),
    ),
)


def main(tasks: Mapping[str, str]) -> None:
    """Carry out tasks until the worker closes the pipe; `tasks` names the module of each task."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answers = _claim_stdout()
    messages = _messages()
    opening = messages.get()
    _die_with(opening["parent"])
    settings = Settings(**opening["settings"], service_token=WITHHELD, caller_key=WITHHELD)
    configure_logging(settings, "run")
    logging.captureWarnings(capture=True)
    os.nice(settings.training_niceness)
    if opening["limits"] is None:  # else nothing could be sent: the worker's span tells of the task
        configure_telemetry(settings)
    folder = Path(opening["folder"])
    lock = FileLock(folder / "lock", fallback_to_soft=False)  # the kernel's: it ends with its holder
    limits = Limits(**opening["limits"]) if opening["limits"] else None
    with lock, TaskContext(settings, folder, opening["run"]) as context:
        while True:
            message = messages.get()
            task = message["task"]
            if limits is not None:
                importlib.import_module(tasks[task])  # what that takes is not the task's
                limits.hold()
                limits = None
            with traced(task, parse_traceparent(message["traceparent"]), root=False) as work:
                answer = _carry_out(context, tasks[task], task, message["arguments"])
                work.error = "task_failed" if "error" in answer else None
            answers.write(json.dumps(answer) + "\n")
            answers.flush()


def _carry_out(context: TaskContext, module: str, task: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Return a task's result, or a sentence that says why there is none; the traceback is logged."""
    try:
        function = getattr(importlib.import_module(module), task)
        return {"result": function(context, **arguments)}
    except Exception as error:  # noqa: BLE001  # every error is returned, and logged
        context.log_error(error)
        return {"error": _sentence(task, error), "outage": outage(error)}


def _sentence(task: str, error: Exception) -> str:
    """Return why a task failed: our own errors are sentences, those of libraries are introduced."""
    message = " ".join(str(error).split())[:LONGEST]
    if type(error).__module__.startswith("data_processor."):
        return message
    return f"Task {task!r} failed with {type(error).__name__}{f': {message}' if message else ''}.".replace(
        "..", "."
    )


def _claim_stdout() -> IO[str]:
    """Reserve standard output for results; what libraries print goes to standard error."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    return answers


def _messages() -> "queue.SimpleQueue[dict[str, Any]]":
    """Read messages in a thread that ends the process when the pipe closes, even during a task."""
    messages: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()

    def read() -> None:
        for line in sys.stdin:
            messages.put(json.loads(line))
        end_telemetry()
        os._exit(0)  # everything worth keeping is on disk, and the interpreter's own shutdown could hang

    threading.Thread(target=read, name="messages", daemon=True).start()
    return messages


def _die_with(parent: int) -> None:
    """Have Linux kill this process when the worker dies; elsewhere, the closing pipe must do."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)

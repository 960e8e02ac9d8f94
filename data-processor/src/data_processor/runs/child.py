"""The worker's end of a child process: one per run, for everything that needs the heavy libraries.

The worker itself imports neither pandas nor scikit-learn; the memory that a run takes comes back with the end
of its child, cancelling is a kill, and a child never outlives its worker.
"""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from threading import Lock
from typing import Any

from data_processor.settings import Settings

ENTRY = "data_processor.child"
"""The module that knows every task (`child.py`)."""
SECRETS = {"service_token", "caller_key"}
"""What a child has no use for."""
INHERITED = {"mlflow_tracking_password"}
"""What a child takes from its environment, where MLflow's own client looks for it as well."""
GONE = "The training process ended"
"""How the sentence about a child that is gone begins."""
END_S = 5
"""How long a child may take to end when its work is done."""


class ChildFailedError(Exception):
    """A task failed in the child; the message is one sentence for people."""


class ChildGoneError(Exception):
    """The child ended in the middle of a task."""

    def __init__(self, task: str, code: int) -> None:
        """Say what it was doing and how it ended."""
        how = f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        hint = "; this machine may be short of memory" if code == -signal.SIGKILL else ""
        super().__init__(f"{GONE} in the middle of {task!r} ({how}{hint}).")


class Child:
    """One child process, and the tasks it is asked to carry out, one at a time."""

    def __init__(self, settings: Settings, folder: Path, run: str | None = None) -> None:
        """Start the process; it keeps results in a folder and writes to the log of a run, if it has one.

        Linux ties a child's life to the thread that starts it: keep that thread until the child has ended.
        """
        folder.mkdir(parents=True, exist_ok=True)
        self._turn = Lock()
        self._process = subprocess.Popen(
            [sys.executable, "-m", ENTRY],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=_environment(settings.training_threads),
            start_new_session=True,  # a Ctrl-C in the terminal is for the worker alone
            text=True,
        )
        described = settings.model_dump(mode="json", exclude=SECRETS | INHERITED)
        self._send({"settings": described, "folder": str(folder), "run": run, "parent": os.getpid()})

    @property
    def process_id(self) -> int:
        """The id of the process."""
        return self._process.pid

    def ask(self, task: str, **arguments: Any) -> dict[str, Any]:
        """Carry out one task and return what it says; raises `ChildFailedError` or `ChildGoneError`."""
        with self._turn:
            self._send({"task": task, "arguments": arguments})
            assert self._process.stdout is not None  # noqa: S101  # it is a pipe, see above
            line = self._process.stdout.readline()
        if not line:
            raise ChildGoneError(task, self._process.wait())
        answer = json.loads(line)
        if "error" in answer:
            raise ChildFailedError(answer["error"])
        result: dict[str, Any] = answer["result"]
        return result

    def kill(self) -> None:
        """End the child at once, whatever it is doing; whoever waits for an answer gets `ChildGoneError`."""
        self._process.kill()

    def close(self) -> None:
        """Let the child end, and wait until it has."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except BrokenPipeError:
                    continue
        try:
            self._process.wait(END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _send(self, message: dict[str, Any]) -> None:
        assert self._process.stdin is not None  # noqa: S101  # it is a pipe, see above
        try:
            self._process.stdin.write(json.dumps(message) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            return  # it is gone; reading its answer will say so


def _environment(threads: int | None) -> dict[str, str]:
    """Leave out secrets, and bound the threads of the numeric libraries, which read this when imported."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "LOKY_MAX_CPU_COUNT")
    inherited = {name: value for name, value in os.environ.items() if name.lower() not in SECRETS}
    return inherited | dict.fromkeys(names, str(threads or os.cpu_count() or 1))

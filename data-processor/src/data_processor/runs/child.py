"""The worker's end of a child process: one per run, for everything that needs the heavy libraries.

The worker itself imports neither pandas nor scikit-learn. The memory that a run takes is freed when its child
ends, a run is cancelled by killing its child, and a child never outlives its worker.
"""

import json
import os
import secrets
import signal
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from threading import Lock
from typing import Any

from data_processor.runs.limits import ENVIRONMENT, Limits
from data_processor.service.errors import storage_failed
from data_processor.service.storage import Outage
from data_processor.service.trace_context import current_traceparent
from data_processor.settings import Settings

ENTRY = "data_processor.child"
"""The module that lists every task (`data_processor/child.py`)."""
SECRETS = {"service_token", "caller_key", "exchange_key"}
"""Settings that a child does not need."""
INHERITED = {"mlflow_tracking_password", "signing_key", "aws_secret_access_key"}
"""Secrets that a child needs: it reads them from its environment, as MLflow's own client does."""
GONE = "The process of this run ended"
"""How the message of `ChildGoneError` begins."""
END_S = 5
"""Seconds that a child may take to end when its work is done."""


class ChildFailedError(Exception):
    """A task failed in the child; the message is one sentence for the user."""


class ChildGoneError(Exception):
    """The child ended while it carried out a task."""

    def __init__(self, task: str, code: int) -> None:
        """Name the task and how the child ended."""
        how = f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        hint = "; this machine may be short of memory" if code == -signal.SIGKILL else ""
        super().__init__(f"{GONE} during {task!r} ({how}{hint}).")
        self.code = code
        """As `subprocess` returns it: negative for the signal that ended it."""


class Child:
    """One child process, which carries out one task at a time."""

    def __init__(
        self, settings: Settings, folder: Path, run: str | None = None, limits: Limits | None = None
    ) -> None:
        """Start the process; it keeps results in `folder` and writes to the log of `run`, if given.

        `limits` hold from its first task on, and such a child is trusted with no secret: strangers' files are
        read under limits. Linux ties a child's life to the thread that starts it: keep
        that thread alive until the child ends.
        """
        folder.mkdir(parents=True, exist_ok=True)
        self._turn = Lock()
        self._process = subprocess.Popen(
            [sys.executable, "-m", ENTRY],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=_environment(settings, limits),
            start_new_session=True,  # a Ctrl-C in the terminal is meant for the worker only
            text=True,
        )
        described = settings.model_dump(mode="json", exclude=SECRETS | INHERITED)
        self._send(
            {
                "settings": described,
                "folder": str(folder),
                "run": run,
                "limits": limits and asdict(limits),
                "parent": os.getpid(),
            }
        )

    @property
    def process_id(self) -> int:
        """The process id."""
        return self._process.pid

    def ask(self, task: str, **arguments: Any) -> dict[str, Any]:
        """Carry out one task and return its result.

        Raises `ChildFailedError`, `ChildGoneError`, or `NotReady` if what it had to store found no room.
        """
        with self._turn:
            self._send({"task": task, "arguments": arguments, "traceparent": current_traceparent()})
            assert self._process.stdout is not None  # noqa: S101  # it is a pipe, see above
            line = self._process.stdout.readline()
        if not line:
            raise ChildGoneError(task, self._process.wait())
        answer = json.loads(line)
        if answer.get("outage"):
            raise storage_failed(Outage(*answer["outage"]))
        if "error" in answer:
            raise ChildFailedError(answer["error"])
        result: dict[str, Any] = answer["result"]
        return result

    def kill(self) -> None:
        """Kill the child, whatever it is doing; whoever waits for its result gets `ChildGoneError`."""
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
            return  # it is gone; reading its result will tell


def _environment(settings: Settings, limits: Limits | None) -> dict[str, str]:
    """Leave out secrets it does not need, and limit the threads of numeric libraries (read at import)."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "LOKY_MAX_CPU_COUNT")
    unneeded = SECRETS | INHERITED if limits else SECRETS
    inherited = {name: value for name, value in os.environ.items() if name.lower() not in unneeded}
    # Settings are not valid without a key: under limits it is one that signs nothing.
    inherited["SIGNING_KEY"] = secrets.token_hex() if limits else settings.signing_key.get_secret_value()
    inherited |= dict.fromkeys(names, str(settings.training_threads or os.cpu_count() or 1))
    return inherited | ENVIRONMENT if limits else inherited

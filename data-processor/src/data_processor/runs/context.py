"""The context that the tasks of a child process share: settings, clients, and a folder for results."""

import importlib
import json
import os
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar, cast

import structlog

from data_processor.adapters.mlflow_connection import MlflowConnection
from data_processor.database import Database
from data_processor.runs.events import RunLog
from data_processor.settings import Settings

Kept = TypeVar("Kept")


class TaskError(Exception):
    """A task cannot be carried out, for a reason that the message explains to the user in a sentence."""


class TaskContext:
    """What a task works with, and what earlier tasks of the same child left."""

    def __init__(self, settings: Settings, folder: Path, run: str | None = None) -> None:
        """Open the databases; `folder` holds results, `run` is the run that the tasks belong to, if any."""
        self.settings = settings
        self.folder = folder
        self.database = Database(settings.records_url)
        self.mlflow = MlflowConnection(settings.mlflow_url, login=settings.mlflow_login)
        self.run = run
        self._log = RunLog(self.database, run) if run else None
        self._kept: dict[str, Any] = {}

    def __enter__(self) -> Self:
        """Return the context."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close every client."""
        self.mlflow.close()
        self.database.close()

    @property
    def log(self) -> RunLog:
        """The log of the run that the tasks belong to; raises `TaskError` if they belong to none."""
        if self._log is None:
            raise TaskError("This task can only be carried out in a run.")
        return self._log

    def path(self, name: str) -> Path:
        """Return the path of the result of this name."""
        return self.folder / name

    def write(self, name: str, save: Callable[[Path], object]) -> Path:
        """Have `save` write a result; it appears under its name complete and on disk, or not at all."""
        target = self.path(name)
        target.parent.mkdir(exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=self.folder, prefix=".", suffix=target.suffix)
        try:
            os.close(handle)
            save(Path(temporary))
            with Path(temporary).open("rb") as written:
                os.fsync(written.fileno())
            Path(temporary).replace(target)
        finally:
            Path(temporary).unlink(missing_ok=True)
        return target

    def write_json(self, name: str, content: Any) -> None:
        """Write a result as JSON."""
        self.write(name, lambda path: path.write_text(json.dumps(content)))

    def read_json(self, name: str) -> Any:
        """Read a result back."""
        return json.loads(self.path(name).read_text())

    def keep(self, name: str, make: Callable[[], Kept]) -> Kept:
        """Return a value that is expensive to make; it is made once and kept until the process ends."""
        if name not in self._kept:
            self._kept[name] = make()
        return cast("Kept", self._kept[name])

    def log_error(self, error: BaseException) -> None:
        """Log an error with its traceback: in the log of the run, else in that of this process."""
        if self._log is None:
            structlog.get_logger(__name__).error("task_failed", exc_info=error)
        else:
            self._log.error(error)


def import_ahead(*modules: str) -> None:
    """Import in a thread what a later step needs, while this one waits for disks and processes."""

    def load() -> None:
        for module in modules:
            importlib.import_module(module)

    threading.Thread(target=load, name="import ahead", daemon=True).start()

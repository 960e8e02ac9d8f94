"""What the tasks of a child process share: settings, clients, and the folder where results wait."""

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
    """A task cannot be done, for a reason that people will understand: the message is a sentence."""


class TaskContext:
    """One child's place to work."""

    def __init__(self, settings: Settings, folder: Path, run: str | None = None) -> None:
        """Open the databases; `folder` holds the results, and `run` is who they are for, if it is a run."""
        self.settings = settings
        self.folder = folder
        self.database = Database(settings.records_url)
        self.mlflow = MlflowConnection(settings.mlflow_url, login=settings.mlflow_login)
        self.run = run
        self._log = RunLog(self.database, run) if run else None
        self._kept: dict[str, Any] = {}

    def __enter__(self) -> Self:
        """Work."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close every client."""
        self.mlflow.close()
        self.database.close()

    @property
    def log(self) -> RunLog:
        """The log of the run that this child works for; raises `TaskError` if it works for none."""
        if self._log is None:
            raise TaskError("This task belongs to a run.")
        return self._log

    def path(self, name: str) -> Path:
        """Return where the result of this name is, or will be."""
        return self.folder / name

    def write(self, name: str, save: Callable[[Path], object]) -> Path:
        """Let `save` write a result to a path; it appears under its name whole, on disk, or not at all."""
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
        """Return a value that is expensive to make: made once per process, remembered until it ends."""
        if name not in self._kept:
            self._kept[name] = make()
        return cast("Kept", self._kept[name])

    def complain(self, error: BaseException) -> None:
        """Write an error with its traceback to the run's log, or to this process's if there is no run."""
        if self._log is None:
            structlog.get_logger(__name__).error("task_failed", exc_info=error)
        else:
            self._log.error(error)


def import_ahead(*modules: str) -> None:
    """Import modules that a later step needs in a thread, while this one waits for disks and processes."""

    def load() -> None:
        for module in modules:
            importlib.import_module(module)

    threading.Thread(target=load, name="import ahead", daemon=True).start()

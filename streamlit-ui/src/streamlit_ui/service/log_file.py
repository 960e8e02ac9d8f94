"""A log file that outlives its process: what the console shows, in a folder that processes may share."""

import fcntl
import logging
import os
import sys
from contextlib import suppress
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import IO

from typing_extensions import override

MAX_BYTES = 10 * 1024 * 1024
FILES = 5
MAX_PROCESSES = 64


class LogFile(RotatingFileHandler):
    """Write to `<name>-<n>.log`, n being the first number that no living process writes to.

    Replicas that share a folder never share a file, and a restart continues an existing one: however often
    processes start, the folder holds at most five files of 10 MiB for each that ran at the same time.
    Raises OSError when the folder cannot be written to.
    """

    def __init__(self, folder: Path, name: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        number, self._claim = _claim(folder, name)
        self._complained = False
        try:
            super().__init__(
                folder / f"{name}-{number}.log",
                maxBytes=MAX_BYTES,
                backupCount=FILES - 1,
                encoding="utf-8",
                errors="backslashreplace",
            )
        except OSError:
            self._claim.close()
            raise

    @override
    def handleError(self, record: logging.LogRecord) -> None:
        """Report once, on the console, that a line could not be written; the console still has every line."""
        if not self._complained:
            self._complained = True
            sys.stderr.write(
                f"{self.baseFilename} cannot be written to: {sys.exc_info()[1]}. "
                "From now on lines may be missing there, but not here. Is the disk full?\n"
            )

    @override
    def close(self) -> None:
        with suppress(OSError):  # a full disk, which was reported
            super().close()
        self._claim.close()

    @override
    def _open(self) -> TextIOWrapper:
        # A log may contain what people sent: it is not for every user of the machine.
        return open(
            self.baseFilename,
            "a",
            encoding=self.encoding,
            errors=self.errors,
            opener=_for_owner_and_group,
        )


def _claim(folder: Path, name: str) -> tuple[int, IO[str]]:
    """Return the first free number and the lock on it, which the kernel releases when the process ends.

    filelock would release it in an exit handler, before logging has written its last lines.
    """
    for number in range(1, MAX_PROCESSES + 1):
        # Not the log itself: it is renamed when it is full, and the lock would go with it.
        lock = (folder / f".{name}-{number}.lock").open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
        except OSError:
            lock.close()
            raise
        else:
            return number, lock
    raise OSError(f"{MAX_PROCESSES} processes named {name} already write to {folder}.")


def _for_owner_and_group(path: str, flags: int) -> int:
    return os.open(path, flags, mode=0o640)

"""Reads uploaded files, each in a child process of its own that has hard limits and ends with the request.

small files   ── at once, for a few seconds of computing; what takes longer is begun again as a large one ──┐
large files   ── when one of the places for long readings is free ◀─────────────────────────────────────────┘

So a file that takes long, by its size or on purpose, keeps no small one waiting.
"""

import asyncio
import os
import signal
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from threading import Lock, Timer
from typing import Any

import structlog

from data_processor.datasets.folder import RAW_FILE, SOURCE_FILE
from data_processor.datasets.reading.refusals import TOO_MUCH_MEMORY
from data_processor.runs.child import Child, ChildFailedError, ChildGoneError
from data_processor.runs.limits import Limits
from data_processor.service.errors import Invalid, NotReady, TooLarge
from data_processor.settings import Settings

PLACES = 2
"""Files that are read at the same time among the small ones, and as many among the others."""
SMALL_BYTES = 4 * 1024 * 1024
SHORT_S = 20
"""Seconds of computing after which a small file is taken for one that takes long."""
AUDIT_S = 60
"""Seconds after which the leak audit of a file is given up; it takes a few."""
NOT_AUDITED = "Whether rows belong together could not be found out for this file."
_LONG_S = 60
_LONG_S_PER_MB = 30
_BASE_BYTES = 768 * 1024 * 1024
_TIMES_SIZE = 16
"""A file may unpack to so many times its size in memory, beyond what any file may take."""
_MB = 1024 * 1024
_NOTHING: Mapping[str, Any] = {}
_SPENT = -signal.SIGXCPU
_BROKEN = (-signal.SIGABRT, -signal.SIGSEGV, -signal.SIGBUS)
"""How C libraries end when memory is refused."""

log = structlog.get_logger(__name__)


class _LongError(Exception):
    """Reading takes more computing than it was given."""


class Readers:
    """The places in which files are read."""

    def __init__(self, settings: Settings) -> None:
        """Start nothing yet."""
        self._settings = settings
        self._short = asyncio.Semaphore(PLACES)
        self._long = asyncio.Semaphore(PLACES)
        # Threads of their own: those who serve requests must not wait for files.
        self._threads = ThreadPoolExecutor(2 * PLACES, "reader")

    async def read(
        self,
        folder: Path,
        filename: str,
        hints: Mapping[str, Any],
        known: Mapping[str, Any] = _NOTHING,
        target: str | None = None,
    ) -> dict[str, Any]:
        """Read the file in a folder; return what its columns seem to be. If cancelled, end the child first.

        `known` are the columns of the dataset's last file, as `propose` takes them, and `target` is what that
        was to predict. Raises `Invalid` for what cannot become a dataset, `TooLarge` if it takes too long,
        `NotReady` if the machine has no memory left.
        """
        asked = {"filename": filename, "hints": dict(hints), "known": dict(known)}
        size = (folder / SOURCE_FILE).stat().st_size
        if size <= SMALL_BYTES:
            async with self._short:
                try:
                    work = partial(self._propose, asked, target, again=True)
                    return await self._in_child(folder, work, self._limits(size, SHORT_S))
                except _LongError:
                    log.info("upload_takes_long", upload=folder.name)
        seconds = _LONG_S + _LONG_S_PER_MB * size // _MB
        limits = self._limits(size, min(seconds, int(self._settings.max_reading_s) * (os.cpu_count() or 1)))
        async with self._long:
            try:
                return await self._in_child(
                    folder, partial(self._propose, asked, target, again=False), limits
                )
            except _LongError as error:
                raise refused(
                    f"Reading the file takes more than {limits.computing_s} s of computing, far more than "
                    "files of its size do: save it again with another program, as CSV or Parquet."
                ) from error

    async def audit(self, folder: Path, columns: list[dict[str, Any]], target: str) -> dict[str, Any]:
        """Return what the leak audit of the table in a folder says for a target."""
        size = (folder / RAW_FILE).stat().st_size
        async with self._long:
            return await self._in_child(
                folder,
                partial(_audited, columns=columns, target=target, again=False),
                self._limits(size, AUDIT_S),
            )

    def _limits(self, size: int, seconds: int) -> Limits:
        most = self._settings.max_reading_memory_mb * _MB
        return Limits(min(most, _BASE_BYTES + _TIMES_SIZE * size), max(1, seconds))

    async def _in_child(
        self, folder: Path, work: Callable[[Child], dict[str, Any]], limits: Limits
    ) -> dict[str, Any]:
        process = _Process(self._settings, folder, limits)
        working = asyncio.get_running_loop().run_in_executor(self._threads, process.carry_out, work)
        try:
            return await asyncio.shield(working)
        except asyncio.CancelledError:
            # A thread cannot be stopped, and its folder must not vanish under it; its child can.
            process.stop()
            await asyncio.wait([working])
            working.exception()
            raise

    def _propose(
        self, asked: dict[str, Any], former: str | None, child: Child, *, again: bool
    ) -> dict[str, Any]:
        late = Timer(self._settings.max_reading_s, child.kill)
        late.start()
        try:
            found = child.ask("propose", **asked)
        except ChildFailedError as error:
            raise refused(f"The file cannot be read. {error}") from error
        except ChildGoneError as error:
            raise self._why_gone(error, late=not late.is_alive()) from error
        finally:
            late.cancel()
        if "refused" in found:
            raise refused(found["refused"], found["field"])
        names = [column["name"] for column in found["columns"]]
        target = former if former in names else found["target"]
        return {**found, "holdout": _audited(child, found["columns"], target, again=again)}

    def _why_gone(self, error: ChildGoneError, *, late: bool) -> Exception:
        log.warning("upload_not_read", error=str(error))
        if late:
            return TooLarge(
                f"Reading the file took more than {self._settings.max_reading_s:g} s: upload it as Parquet."
            )
        if error.code == _SPENT:
            return _LongError()
        if error.code in _BROKEN:
            return refused(TOO_MUCH_MEMORY)
        return NotReady("The file could not be read, probably for lack of memory: upload it in parts.")


class _Process:
    """A child that may be stopped before it has been started."""

    def __init__(self, settings: Settings, folder: Path, limits: Limits) -> None:
        self._start = partial(Child, settings, folder, limits=limits)
        self._turn = Lock()
        self._stopped = False
        self._child: Child | None = None

    def carry_out(self, work: Callable[[Child], dict[str, Any]]) -> dict[str, Any]:
        with self._turn:
            child = self._child = self._start()
            if self._stopped:
                child.kill()
        try:
            return work(child)
        finally:
            child.close()

    def stop(self) -> None:
        with self._turn:
            self._stopped = True
            if self._child is not None:
                self._child.kill()


def _audited(
    child: Child, columns: list[dict[str, Any]], target: str | None, *, again: bool
) -> dict[str, Any]:
    """Have a child look for rows that belong together; whatever goes wrong, the file can be used.

    `again`: it has more time the second time.
    """
    late = Timer(AUDIT_S, child.kill)
    late.start()
    try:
        return child.ask("audit", columns=columns, target=target)
    except (ChildFailedError, ChildGoneError) as error:
        if again and isinstance(error, ChildGoneError) and error.code == _SPENT:
            raise _LongError from error
        log.warning("leak_audit_failed", error=str(error))
        return {"target": target, "suggested": None, "audit": [], "reason": NOT_AUDITED}
    finally:
        late.cancel()


def refused(why: str, field: str = "file") -> Invalid:
    """Return the problem of a file that cannot become a dataset."""
    return Invalid(f"Nothing was stored: {why}", errors=[{"loc": ["body", field], "message": why}])

"""One process: started, logged, restarted when it dies, and stopped."""

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from compose_stack.logs import ProcessLog
from compose_stack.services import Service

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 15.0
STEADY_S = 5.0
"""A process that ran for this long is restarted promptly."""
REREAD_S = 0.25
"""How often files are looked at that a process reads again when they change."""
PR_SET_PDEATHSIG = 1

_libc = ctypes.CDLL(None) if sys.platform == "linux" else None
"""Loaded before any fork: little else is safe between fork and exec."""


class Process:
    """Keep one process of the platform running."""

    def __init__(self, service: Service, log: ProcessLog, report: Callable[[str], None]) -> None:
        """Prepare to run `service`; `report` is called with sentences for people."""
        self.service = service
        self.log = log
        self.deaths = 0
        self._report = report
        self._stopping = False
        self._wake = asyncio.Event()
        self._transport: asyncio.SubprocessTransport | None = None
        self._exited: asyncio.Future[None] | None = None

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        running = self._transport is not None and self._transport.get_returncode() is None
        return self._transport.get_pid() if running and self._transport else None

    async def keep_running(self) -> None:
        """Start the process, and restart it whenever it ends, until `stop`."""
        early = 0  # deaths in a row, each before STEADY_S
        while not self._stopping:
            started = time.monotonic()
            ending = await self._run_once()
            if self._stopping:
                return
            lived = time.monotonic() - started
            self.deaths += 1
            early = 0 if lived > STEADY_S else early + 1
            pause = min(FIRST_PAUSE_S * 2 ** max(early - 1, 0), LONGEST_PAUSE_S)
            self._report(f"{self.service.name} {ending} and restarts in {pause:g} s. Log: {self.log.path}")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), pause)

    async def stop(self) -> None:
        """Ask the process to end and wait; kill it and everything it started if it takes too long."""
        self._stopping = True
        self._wake.set()
        if (pid := self.pid) is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
        if not await self._ended_within(self.service.stop_seconds):
            self._report(
                f"{self.service.name} did not end within {self.service.stop_seconds:g} s and was killed. "
                "Everything it acknowledged is kept; unfinished work resumes at the next start."
            )
        self.kill()
        await self._ended_within(self.service.stop_seconds)

    def kill(self) -> None:
        """Kill the process and everything it started."""
        self._stopping = True
        if self._transport is not None:
            # The process leads its own group, which outlives it if it left children behind.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._transport.get_pid(), signal.SIGKILL)

    async def _run_once(self) -> str:
        loop = asyncio.get_running_loop()
        exited: asyncio.Future[None] = loop.create_future()
        supervisor = os.getpid()
        transport, _ = await loop.subprocess_exec(
            lambda: _Output(self.log, exited),
            *self.service.command,
            env=self.service.environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            # Ctrl-C goes to the terminal's foreground group: only the supervisor is to receive it.
            start_new_session=True,
            preexec_fn=lambda: die_with(supervisor, signal.SIGKILL),
        )
        self._transport = transport
        self._exited = exited
        if self._stopping:  # `stop` was called while it was being started
            self.kill()
        telling = asyncio.create_task(self._tell_of_changes())
        await exited
        telling.cancel()
        code = transport.get_returncode()
        # Otherwise its children would keep its port or its files from the next start.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(transport.get_pid(), signal.SIGKILL)
        transport.close()
        if code is not None and code < 0:
            return f"was killed by {signal.Signals(-code).name}"
        return f"ended with exit code {code}"

    async def _tell_of_changes(self) -> None:
        """Have the process read its files again whenever one of them has changed."""
        files = self.service.rereads
        seen = _states(files)
        while files:
            await asyncio.sleep(REREAD_S)
            found = _states(files)
            if found != seen and (pid := self.pid) is not None:
                seen = found
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGHUP)

    async def _ended_within(self, seconds: float) -> bool:
        if self._exited is not None:
            await asyncio.wait({self._exited}, timeout=seconds)
        return self.pid is None


class _Output(asyncio.SubprocessProtocol):
    """Write the output of a process to its log, and signal its end."""

    def __init__(self, log: ProcessLog, exited: asyncio.Future[None]) -> None:
        self._log = log
        self._exited = exited

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        """Append it to the log."""
        del fd
        self._log.write(data)

    def process_exited(self) -> None:
        """Wake the waiter."""
        if not self._exited.done():
            self._exited.set_result(None)


def _states(files: Iterable[Path]) -> list[int]:
    """Return numbers that differ after a file was written."""
    return [file.stat().st_mtime_ns if file.exists() else 0 for file in files]


def die_with(parent: int, number: signal.Signals) -> None:
    """Have the kernel signal this process when its parent dies; to be called between fork and exec.

    Linux only; elsewhere a supervisor killed with -9 leaves its processes behind.
    """
    if _libc is not None:
        _libc.prctl(PR_SET_PDEATHSIG, number)
        if os.getppid() != parent:  # it died before the kernel was told
            os._exit(1)

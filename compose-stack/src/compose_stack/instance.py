"""A running instance, found or started, for programs that use the whole platform."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import psutil

from compose_stack.client import Client, Refused
from compose_stack.lock import running_instance
from compose_stack.processes import die_with
from compose_stack.run import READY
from compose_stack.settings import LOOPBACK, PORTS, ROOT, CannotStart, Settings

START_S = 600.0
"""The first start trains a model."""
STOP_S = 90.0
UNAUTHORIZED = 401


def free_ports(count: int) -> list[int]:
    """Return `count` different ports that were free just now."""
    with ExitStack() as held:
        probes = [held.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind((LOOPBACK, 0))
        return [probe.getsockname()[1] for probe in probes]


@dataclass
class Instance:
    """A whole platform with its own state folder, on free ports, as a child of this process."""

    state_dir: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    command: Sequence[str] = (sys.executable, "-m", "compose_stack.run")
    on_line: Callable[[str], None] = lambda _: None
    """Called with each line that it prints."""

    def __post_init__(self) -> None:
        """Choose ports that stay the same across restarts."""
        ports = dict(zip(PORTS, map(str, free_ports(len(PORTS))), strict=True))
        self._environment = {**os.environ, **ports, **self.environment, "STATE_DIR": str(self.state_dir)}
        self.settings = Settings.from_environment(self._environment)
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> float:
        """Start it, wait until it reports that it is ready, and return the seconds that took."""
        started = time.monotonic()
        me = os.getpid()
        self._process = subprocess.Popen(
            self.command,
            env=self._environment,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            # This process may be killed, and must not leave a platform behind.
            preexec_fn=lambda: die_with(me, signal.SIGTERM),  # noqa: PLW1509  # started from the main thread only
        )
        lines: list[str] = []
        assert self._process.stdout is not None  # noqa: S101  # it is a pipe
        for line in self._process.stdout:
            lines.append(line.rstrip())
            self.on_line(lines[-1])
            if READY in line:
                return time.monotonic() - started
            if time.monotonic() - started > START_S:
                break
        self.stop()
        raise CannotStart("The instance did not become ready. Its last output:\n" + "\n".join(lines[-40:]))

    def stop(self) -> None:
        """Stop it as Ctrl-C does, and wait."""
        if self._process is not None:
            with self._process as process:
                self._signal(signal.SIGINT)
                process.wait(STOP_S)

    def kill(self) -> None:
        """Kill the supervisor with -9, and wait until all its processes are gone."""
        if self._process is not None:
            children = psutil.Process(self._process.pid).children(recursive=True)
            with self._process as process:
                process.kill()
            psutil.wait_procs(children, STOP_S)

    def process(self, *words: str) -> psutil.Process:
        """Return the process whose command has all these words, such as `data-processor`, `serve`."""
        for process in self.processes():
            try:
                command = process.cmdline()
            except psutil.NoSuchProcess:
                continue
            if all(any(part.endswith(word) for part in command) for word in words):
                return process
        raise LookupError(f"No process of the instance has {words} in its command line.")

    def processes(self) -> list[psutil.Process]:
        """Return the supervisor and every process below it."""
        if self._process is None:
            return []
        supervisor = psutil.Process(self._process.pid)
        return [supervisor, *supervisor.children(recursive=True)]

    def sign_in(self) -> Client:
        """Return a client that is signed in as the maintainer."""
        return sign_in_as_admin(self.settings.gateway_url, self.settings)

    def _signal(self, number: signal.Signals) -> None:
        # The command may be `make`; it, its shell and their children are one process group.
        if self._process is not None and self._process.poll() is None:
            os.killpg(self._process.pid, number)


def admin_password(settings: Settings) -> str:
    """Return the password of `admin`: from the environment, else the one that the gateway generated."""
    if settings.admin_password:
        return settings.admin_password
    try:
        return settings.password_file.read_text().strip()
    except OSError as error:
        raise CannotStart(
            f"The password of admin is not in {settings.password_file}: set it with ADMIN_PASSWORD=…"
        ) from error


def sign_in_as_admin(url: str, settings: Settings) -> Client:
    """Return a client of the gateway at `url`, signed in as its maintainer."""
    try:
        return Client.sign_in(url, "admin", admin_password(settings))
    except Refused as refused:
        if refused.status != UNAUTHORIZED:
            raise
        raise CannotStart(
            f"The gateway at {url} rejects the password of admin in {settings.password_file}: "
            "set the current one with ADMIN_PASSWORD=…"
        ) from refused


@contextmanager
def found_or_started(settings: Settings, on_line: Callable[[str], None]) -> Iterator[Client]:
    """Yield a maintainer's client of the instance on this state folder, or of a fresh, temporary one."""
    running = running_instance(settings.state_dir)
    if running is not None:
        on_line(f"Using the instance that runs on {settings.state_dir}, at {running.gateway_url}.")
        with sign_in_as_admin(running.gateway_url, settings) as admin:
            yield admin
        return
    with tempfile.TemporaryDirectory(prefix="loopkeeper-") as folder:
        on_line(f"No instance runs on {settings.state_dir}: starting a fresh one in {folder}.")
        with Instance(Path(folder), on_line=on_line) as fresh, fresh.sign_in() as admin:
            yield admin

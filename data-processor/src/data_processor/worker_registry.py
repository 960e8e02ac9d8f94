"""Who works: each worker of a stage holds a name, as a lock on its jobs database, for as long as it lives.

    a worker starts            it takes the lowest free name, `worker-1`, `worker-2` …, and DBOS resumes what
                               the last worker of that name left
    a worker dies              its locks are free, and another worker takes over its jobs
    a worker loses its lock    it ends itself at once: somebody else may be doing its work already
    a duty                     is what one worker of the stage does for all; whoever holds its lock has it

In a PostgreSQL database the locks are advisory ones of a connection that is kept, so they are gone when the
server finds the worker gone; beside a SQLite file they are locks on files. Both belong to one jobs database,
and each stage has its own.
"""

import contextlib
import fcntl
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from hashlib import sha256
from itertools import count
from pathlib import Path
from threading import Lock
from typing import IO

import psycopg
from sqlalchemy.engine import URL, make_url

PATIENCE_S = 2.0
"""How long a name may be held by somebody who is only taking over its last worker's jobs."""
CONNECT_S = 10
"""How long connecting may take."""
CLIENT_GIVES_UP_MS = 5_000
"""How long a worker waits for a sign of the server's machine before it takes the connection as lost."""
SERVER_GIVES_UP = {
    "tcp_keepalives_idle": 10,
    "tcp_keepalives_interval": 5,
    "tcp_keepalives_count": 3,
    "tcp_user_timeout": 25_000,  # no keepalives are sent while an answer waits to be acknowledged
}
"""After which silence (s; ms) the server frees a worker's locks: later than the worker has given up."""


class NameTakenError(Exception):
    """A worker of this name is at work already."""


class WorkerRegistry(ABC):
    """The locks of one worker on its jobs database."""

    def __init__(self) -> None:
        """Hold nothing yet."""
        self._turn = Lock()
        self._held: set[str] = set()
        self._free_before: set[str] = set()
        self.name = ""

    def enrol(self, name: str | None) -> str:
        """Take a name, the lowest free one if it is not told; raises `NameTakenError`."""
        if name is None:
            self.name = next(free for number in count(1) if self.hold(_as_name(free := f"worker-{number}")))
            return self.name
        deadline = time.monotonic() + PATIENCE_S
        while not self.hold(_as_name(name)):
            if time.monotonic() > deadline:
                raise NameTakenError(
                    f"A worker named {name!r} is at work already (it holds {self.place(name)})."
                )
            time.sleep(0.1)
        self.name = name
        return name

    def hold(self, lock: str) -> bool:
        """Say whether this worker holds a lock, having taken it if it was free."""
        with self._turn:
            if lock not in self._held and self._try(lock):
                self._held.add(lock)
            return lock in self._held

    def release(self, lock: str) -> None:
        """Let go of a lock."""
        with self._turn:
            self._held.discard(lock)
            self._free(lock)

    def take_over(self, names: Iterable[str], act: Callable[[str], None]) -> None:
        """Act for every name that nobody holds, while holding it.

        A name must have been free at the call before as well: its worker may have lost its lock and be about
        to end itself.
        """
        free = set()
        try:
            for name in names:
                if name != self.name and self.hold(_as_name(name)):
                    free.add(name)
            for name in sorted(free & self._free_before):
                act(name)
        finally:
            self._free_before = free
            for name in free:
                self.release(_as_name(name))

    @abstractmethod
    def is_kept(self) -> bool:
        """Say whether this worker's locks are still its own."""

    @abstractmethod
    def place(self, name: str) -> str:
        """Return where the lock on a worker's name is, in words."""

    @abstractmethod
    def close(self) -> None:
        """Let go of everything."""

    @abstractmethod
    def _try(self, lock: str) -> bool:
        """Take a lock if it is free; return whether it was."""

    @abstractmethod
    def _free(self, lock: str) -> None:
        """Let go of a lock that is held."""


class FileRoster(WorkerRegistry):
    """Locks on files beside a SQLite database."""

    def __init__(self, database: Path) -> None:
        """Lock files that are named after the database's."""
        super().__init__()
        self._database = database
        self._files: dict[str, IO[str]] = {}

    def is_kept(self) -> bool:
        """Nothing but this process's end takes a file's lock away."""
        return True

    def place(self, name: str) -> str:
        """Return the path of the file."""
        return str(self._path(_as_name(name)))

    def close(self) -> None:
        """Close the files."""
        for lock in tuple(self._files):
            self.release(lock)

    def _try(self, lock: str) -> bool:
        file = self._path(lock).open("w")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            return False
        self._files[lock] = file
        return True

    def _free(self, lock: str) -> None:
        self._files.pop(lock).close()

    def _path(self, lock: str) -> Path:
        return self._database.with_name(f"{self._database.name}.{lock}.lock")


class PostgresRoster(WorkerRegistry):
    """Advisory locks of a connection to a PostgreSQL database."""

    def __init__(self, url: URL) -> None:
        """Connect, and keep the connection."""
        super().__init__()
        self._database = url.database
        self._connection = psycopg.connect(
            url.set(drivername="postgresql").render_as_string(hide_password=False),
            autocommit=True,
            connect_timeout=CONNECT_S,
            tcp_user_timeout=CLIENT_GIVES_UP_MS,
            options=" ".join(f"-c {name}={value}" for name, value in SERVER_GIVES_UP.items()),
        )

    def is_kept(self) -> bool:
        """Ask the server, whose locks are gone when the connection is."""
        try:
            self._connection.execute("SELECT 1")
        except psycopg.Error:
            return False
        return True

    def place(self, name: str) -> str:
        """Return the lock's number in the database."""
        return f"advisory lock {_number(_as_name(name))} in database {self._database!r}"

    def close(self) -> None:
        """Let go and disconnect: of what is only disconnected, the server learns a moment later."""
        with contextlib.suppress(psycopg.Error):
            self._connection.execute("SELECT pg_advisory_unlock_all()")
        self._connection.close()

    def _try(self, lock: str) -> bool:
        found = self._connection.execute("SELECT pg_try_advisory_lock(%s)", [_number(lock)]).fetchone()
        return found == (True,)

    def _free(self, lock: str) -> None:
        self._connection.execute("SELECT pg_advisory_unlock(%s)", [_number(lock)])


def open_workers(jobs_url: str) -> WorkerRegistry:
    """Open the roster of a jobs database."""
    url = make_url(jobs_url)
    if url.get_backend_name() == "sqlite":
        return FileRoster(Path(str(url.database)))
    return PostgresRoster(url)


def _as_name(name: str) -> str:
    """Return the lock on a worker's name, which no duty can be called."""
    return f"name={name}"


def _number(lock: str) -> int:
    """Return PostgreSQL's number for a lock: 64 bits, so that no two ever meet."""
    digest = sha256(f"loopkeeper worker {lock}".encode()).digest()
    return int.from_bytes(digest[:8], signed=True)

"""The worker registry and the leader lock: which workers of a stage are alive, and which of them leads.

    a worker starts            it takes the lowest free name, `worker-1`, `worker-2` …, and DBOS resumes what
                               the last worker of that name left
    a worker dies              its locks are released, and another worker takes over its jobs
    a worker loses its lock    it ends itself at once: another may be doing its work already
    leader election            one worker of the stage does what is needed once: it holds the leader lock, and
                               when it dies the first of the others to ask for the lock leads

Each worker holds its name as a lock on the jobs database for as long as it lives. In PostgreSQL these are
advisory locks of a connection that stays open, so they are released when the server finds the worker gone;
beside a SQLite file they are locks on files. Each stage has a jobs database of its own.
"""

import contextlib
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from hashlib import sha256
from itertools import count
from pathlib import Path
from threading import Lock

import psycopg
from filelock import FileLock, Timeout
from sqlalchemy.engine import URL, make_url

LEADER_LOCK = "leader"
PATIENCE_S = 2.0
"""Seconds for which a name may be held by a worker that is only taking over its jobs."""
CONNECT_S = 10
"""The most seconds that connecting may take."""
CLIENT_GIVES_UP_MS = 5_000
"""How long a worker waits for a sign of life from the server before it considers the connection lost."""
SERVER_GIVES_UP = {
    "tcp_keepalives_idle": 10,
    "tcp_keepalives_interval": 5,
    "tcp_keepalives_count": 3,
    "tcp_user_timeout": 25_000,  # no keepalives are sent while a reply waits to be acknowledged
}
"""The silence (s; ms) after which the server releases a worker's locks: the worker has given up by then."""


class NameTakenError(Exception):
    """A living worker has this name."""


class WorkerRegistry(ABC):
    """The locks of one worker on its jobs database."""

    def __init__(self) -> None:
        """Hold nothing yet."""
        self._turn = Lock()
        self._held: set[str] = set()
        self._free_before: set[str] = set()
        self.name = ""

    def register(self, name: str | None) -> str:
        """Take a name, by default the lowest that is free; raises `NameTakenError`."""
        if name is None:
            self.name = next(free for number in count(1) if self.hold(_as_name(free := f"worker-{number}")))
            return self.name
        deadline = time.monotonic() + PATIENCE_S
        while not self.hold(_as_name(name)):
            if time.monotonic() > deadline:
                raise NameTakenError(
                    f"A worker named {name!r} is already running: it holds {self.place(name)}. "
                    "Stop it, or set EXECUTOR_ID to another name."
                )
            time.sleep(0.1)
        self.name = name
        return name

    def lead(self) -> bool:
        """Return whether this worker leads its stage, having become the leader if there was none."""
        return self.hold(LEADER_LOCK)

    def hold(self, lock: str) -> bool:
        """Return whether this worker holds a lock, having taken it if it was free."""
        with self._turn:
            if lock not in self._held and self._try(lock):
                self._held.add(lock)
            return lock in self._held

    def release(self, lock: str) -> None:
        """Release a lock that this worker holds."""
        with self._turn:
            self._held.discard(lock)
            self._free(lock)

    def take_over(self, names: Iterable[str], act: Callable[[str], None]) -> None:
        """Act for each name that no worker holds, while holding it.

        A name must have been free at the previous call too: its worker may have lost its lock and be about to
        end itself.
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
        """Return whether this worker still holds its locks."""

    @abstractmethod
    def place(self, name: str) -> str:
        """Describe where the lock of a worker's name is."""

    @abstractmethod
    def close(self) -> None:
        """Release everything."""

    @abstractmethod
    def _try(self, lock: str) -> bool:
        """Take a lock if it is free; return whether it was."""

    @abstractmethod
    def _free(self, lock: str) -> None:
        """Release a lock."""


class FileWorkerRegistry(WorkerRegistry):
    """Locks on files beside a SQLite database."""

    def __init__(self, database: Path) -> None:
        """Lock files whose names begin with the database's."""
        super().__init__()
        self._database = database
        self._locks: dict[str, FileLock] = {}

    def is_kept(self) -> bool:
        """Return True: nothing but the end of this process releases the lock on a file."""
        return True

    def place(self, name: str) -> str:
        """Return the path of the file."""
        return str(self._path(_as_name(name)))

    def close(self) -> None:
        """Release every file."""
        for lock in tuple(self._locks):
            self.release(lock)

    def _try(self, lock: str) -> bool:
        # One lock for all threads, and only ever the kernel's, which kill -9 releases.
        file = FileLock(self._path(lock), thread_local=False, fallback_to_soft=False)
        try:
            file.acquire(blocking=False)
        except Timeout:
            return False
        self._locks[lock] = file
        return True

    def _free(self, lock: str) -> None:
        self._locks.pop(lock).release()

    def _path(self, lock: str) -> Path:
        return self._database.with_name(f"{self._database.name}.{lock}.lock")


class PostgresWorkerRegistry(WorkerRegistry):
    """Advisory locks of one connection to a PostgreSQL database."""

    def __init__(self, url: URL) -> None:
        """Connect, and keep the connection open."""
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
        """Ask the server: the locks are gone when the connection is."""
        try:
            self._connection.execute("SELECT 1")
        except psycopg.Error:
            return False
        return True

    def place(self, name: str) -> str:
        """Return the number of the lock in the database."""
        return f"advisory lock {_number(_as_name(name))} in database {self._database!r}"

    def close(self) -> None:
        """Release and disconnect: the server would notice a mere disconnection only a little later."""
        with contextlib.suppress(psycopg.Error):
            self._connection.execute("SELECT pg_advisory_unlock_all()")
        self._connection.close()

    def _try(self, lock: str) -> bool:
        found = self._connection.execute("SELECT pg_try_advisory_lock(%s)", [_number(lock)]).fetchone()
        return found == (True,)

    def _free(self, lock: str) -> None:
        self._connection.execute("SELECT pg_advisory_unlock(%s)", [_number(lock)])


def open_worker_registry(jobs_url: str) -> WorkerRegistry:
    """Open the worker registry of a jobs database."""
    url = make_url(jobs_url)
    if url.get_backend_name() == "sqlite":
        return FileWorkerRegistry(Path(str(url.database)))
    return PostgresWorkerRegistry(url)


def _as_name(name: str) -> str:
    """Return the lock of a worker's name, which cannot be mistaken for the leader lock."""
    return f"name={name}"


def _number(lock: str) -> int:
    """Return PostgreSQL's number for a lock: 64 bits of a hash, so that no two collide."""
    digest = sha256(f"loopkeeper worker {lock}".encode()).digest()
    return int.from_bytes(digest[:8], signed=True)

"""One instance per state folder, and how other programs find the one that runs.

The lock is a plain flock: finding an instance takes a shared lock, so that two programs that look for one at
the same time do not take each other for it. filelock has no shared lock on a file.
"""

import fcntl
import json
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from compose_stack.settings import CannotStart, Settings

OWNER_ONLY = 0o700
"""The mode of the state folder: it has the secrets, the users and everything that was predicted."""


def make_private(folder: Path) -> str | None:
    """Let only its owner enter a folder; return a sentence if others could."""
    found = stat.S_IMODE(folder.stat().st_mode)
    if not found & ~OWNER_ONLY:
        return None
    try:
        folder.chmod(OWNER_ONLY)
    except OSError as error:
        return f"Others may enter {folder} (mode {found:04o}), and that cannot be changed: {error.strerror}."
    return f"Others could enter {folder} (mode {found:04o}); now only its owner can (mode {OWNER_ONLY:04o})."


@dataclass(frozen=True)
class Running:
    """A running instance, as it describes itself in its lock file."""

    pid: int
    ui_url: str
    gateway_url: str
    mlflow_url: str


@contextmanager
def only_instance(settings: Settings) -> Iterator[None]:
    """Lock the state folder until the block ends; raise CannotStart if another process has locked it.

    The kernel releases the lock when its process ends, so kill -9 leaves nothing to clean up.
    """
    try:
        settings.state_dir.mkdir(mode=OWNER_ONLY, parents=True, exist_ok=True)
        descriptor = os.open(_lock_file(settings.state_dir), os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise CannotStart(
            f"STATE_DIR is {settings.state_dir}, which cannot be used: {error.strerror}."
        ) from error
    with os.fdopen(descriptor, "r+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            other = _read(file.read())
            where = f" at {other.ui_url} (process {other.pid})" if other else ""
            raise CannotStart(
                f"Loopkeeper is already running on {settings.state_dir}{where}. Stop it with Ctrl-C where it "
                "was started, or start this one with another STATE_DIR and other ports."
            ) from error
        me = Running(os.getpid(), settings.ui_url, settings.gateway_url, settings.mlflow_url)
        file.truncate(0)
        file.write(json.dumps(asdict(me)))
        file.flush()
        yield


def running_instance(state_dir: Path) -> Running | None:
    """Return the instance that has locked a state folder, if there is one."""
    try:
        file = _lock_file(state_dir).open()
    except FileNotFoundError:
        return None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return _read(file.read())
    return None


def _lock_file(state_dir: Path) -> Path:
    return state_dir / "instance.lock"


def _read(text: str) -> Running | None:
    try:
        return Running(**json.loads(text))
    except (ValueError, TypeError):
        return None

"""Tests that run in several processes at once: what they share, and that none takes more than one core.

`make test` starts as many processes as there are cores (pytest-xdist), and gives each of them whole files of
tests, in the order in which they were collected. `pytest tests/some/test_file.py` runs in one, as ever.
"""

import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock
from threadpoolctl import threadpool_limits

THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "LOKY_MAX_CPU_COUNT",
    "TRAINING_THREADS",
)
"""How many threads numeric libraries take, here and in every process that a test starts."""

Once = Callable[[str, Callable[[Path], None]], Path]


def pytest_configure() -> None:
    """Let child processes keep compiled code, and work in one thread: the cores are busy with other tests."""
    for name in THREADS:
        os.environ.setdefault(name, "1")
    # Without it each of these processes would compile again all that it imports: seven seconds for a run.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that start real servers: they take longest, and should not be left for the end."""
    ids = Counter(item.nodeid for item in items)
    if twice := [found for found, times in ids.items() if times > 1]:
        # Of tests with the same id pytest-xdist would run one, and be silent about the others.
        raise pytest.UsageError(f"Every test needs an id of its own: {twice[0]}.")
    long = {item.path for item in items if "mlflow_url" in getattr(item, "fixturenames", ())}
    items.sort(key=lambda item: item.path not in long)


def pytest_collection_finish() -> None:
    """The same for the libraries of this process, all of which are imported by now."""
    threadpool_limits(1)


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder that all processes of this test run have in common."""
    own = tmp_path_factory.getbasetemp()
    folder = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "shared"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def once(shared: Path) -> Once:
    """Make a folder once for all processes of this test run, by the first that needs it; only to be read."""

    def once(name: str, make: Callable[[Path], None]) -> Path:
        folder, half = shared / name, shared / f"{name}.new"
        with FileLock(shared / f"{name}.lock"):
            if not folder.exists():
                half.mkdir()
                make(half)
                half.rename(folder)
        return folder

    return once

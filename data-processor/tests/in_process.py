"""Tasks of child processes, carried out in this process: the same tasks, without a second for their imports.

What a child process adds, `runs/test_child.py` tests; and with `make test-services` every test that works
this way is repeated with real ones.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from weakref import WeakSet

import pytest
import requests

from data_processor.child import TASKS
from data_processor.runs import compute
from data_processor.runs.child import ChildFailedError
from data_processor.runs.context import TaskContext
from data_processor.runs.limits import Limits
from data_processor.settings import Settings

USERS = (
    "data_processor.datasets.readers",
    "data_processor.runs.jobs",
    "data_processor.serving.explanations",
    "data_processor.training.adoption",
    "data_processor.training.promotion_watch",
)
"""The modules that start children."""


class ChildInProcess:
    """Stands in for `Child`."""

    process_id = os.getpid()

    def __init__(
        self, settings: Settings, folder: Path, run: str | None = None, limits: Limits | None = None
    ) -> None:
        """Open what a child opens."""
        del limits  # they are a process's
        folder.mkdir(parents=True, exist_ok=True)
        self._context = TaskContext(settings, folder, run)

    def ask(self, task: str, **arguments: Any) -> dict[str, Any]:
        """Carry out one task; what goes in and comes out has been JSON."""
        arguments = json.loads(json.dumps(arguments))
        answer = json.loads(json.dumps(compute._carry_out(self._context, TASKS[task], task, arguments)))
        if "error" in answer:
            raise ChildFailedError(answer["error"])
        result: dict[str, Any] = answer["result"]
        return result

    def kill(self) -> None:
        """Close it: nothing is under way that could be killed."""
        self.close()

    def close(self) -> None:
        """Close what a child closes."""
        self._context.__exit__(None, None, None)


@pytest.fixture(scope="session", autouse=True)
def http_sessions() -> Iterator[WeakSet[requests.Session]]:
    """Know every session of Requests: MLflow's client keeps its own, with their connections, for ever."""
    begin = requests.Session.__init__
    known: WeakSet[requests.Session] = WeakSet()

    def begin_and_tell(session: requests.Session) -> None:
        begin(session)
        known.add(session)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(requests.Session, "__init__", begin_and_tell)
        yield known


@pytest.fixture
def children_in_process(http_sessions: WeakSet[requests.Session]) -> Iterator[None]:
    """Carry out every task in this process."""
    with pytest.MonkeyPatch.context() as patch:
        for module in USERS:
            patch.setattr(f"{module}.Child", ChildInProcess)
        yield
    for one in list(http_sessions):
        one.close()  # as the end of a child process does


@pytest.fixture(params=["in process", pytest.param("child processes", marks=pytest.mark.services)])
def tasks(request: pytest.FixtureRequest) -> None:
    """Carry out tasks in this process; with the services, in child processes as well."""
    if request.param == "in process":
        request.getfixturevalue("children_in_process")

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from data_processor.datasets.census import make_table
from data_processor.datasets.tables import keepable
from data_processor.models.registry import Registry
from data_processor.runs.context import TaskContext, TaskError
from data_processor.training.inspection import inspect

if TYPE_CHECKING:
    from conftest import World

MODEL = "census-income"


class FoundLog:
    """Stands in for the log of a run."""

    def say(self, message: str, level: str = "info") -> None:
        """Say nothing."""


@pytest.fixture
def context(world: "World", tmp_path: Path) -> Iterator[TaskContext]:
    folder = tmp_path / "run"
    folder.mkdir()
    with TaskContext(world.settings, folder) as made:
        made.keep("registry", lambda: world.registry)
        made._log = FoundLog()  # type: ignore[assignment]  # the run's own needs a run
        yield made


def test_a_version_is_asked_rows_of_its_dataset_by_way_of_a_request(context: TaskContext) -> None:
    registry: Registry = context.keep("registry", lambda: pytest.fail("It is there."))
    rows = keepable(make_table(50, seed=7), registry.manifest(MODEL, "1").table)
    found = inspect(context, MODEL, "1", rows)
    assert found["replayed"] == 52
    assert found["difference"] < 1e-5


def test_what_serve_cannot_load_fails_the_run(context: TaskContext, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise ValueError("Renamed field names must not contain backslash.")

    monkeypatch.setattr("data_processor.serving.loading.Validator", fail)
    with pytest.raises(TaskError, match=r"Version 1 of 'census-income' cannot be served: .*ValueError"):
        inspect(context, MODEL, "1")


def test_rows_that_are_refused_fail_the_run(context: TaskContext) -> None:
    registry: Registry = context.keep("registry", lambda: pytest.fail("It is there."))
    rows = keepable(make_table(50, seed=7), registry.manifest(MODEL, "1").table)
    with pytest.raises(TaskError, match="cannot be asked as they stand"):
        inspect(context, MODEL, "1", rows.assign(age="old"))

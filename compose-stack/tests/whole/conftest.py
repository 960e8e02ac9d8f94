"""One instance for all tests of the whole system: started once, its sample model trained once."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from compose_stack.client import Client
from compose_stack.instance import Instance
from compose_stack.traffic import MODEL, Labelled, sample_rows

BUDGET_S = 2


@pytest.fixture(scope="session")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    folder: Path = tmp_path_factory.mktemp("whole")
    with Instance(folder / "var") as started:
        with started.sign_in() as admin:
            admin.set_policy(MODEL, budget_s=BUDGET_S, cooldown_s=0)
        yield started


@pytest.fixture
def admin(instance: Instance) -> Iterator[Client]:
    with instance.sign_in() as client:
        yield client


@pytest.fixture(scope="session")
def rows() -> list[Labelled]:
    """Rows of the world that the first version knows."""
    return sample_rows(600, seed=3, drift=0.0)

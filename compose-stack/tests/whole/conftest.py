"""An instance for each module's tests of the whole system; the sample model is trained once for all."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from compose_stack.client import Client
from compose_stack.instance import Instance
from compose_stack.traffic import MODEL, Labelled, sample_rows

BUDGET_S = 2


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the state folder of an instance that was started once, and stopped."""
    state_dir: Path = tmp_path_factory.mktemp("trained") / "var"
    with Instance(state_dir) as started, started.sign_in() as admin:
        admin.set_policy(MODEL, budget_s=BUDGET_S, cooldown_s=0)
    return state_dir


@pytest.fixture(scope="module")
def instance(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """Start an instance of the module's own: what others judged must not decide what its model learns."""
    state_dir = tmp_path_factory.mktemp("whole") / "var"
    shutil.copytree(trained, state_dir)
    with Instance(state_dir) as started:
        yield started


@pytest.fixture
def admin(instance: Instance) -> Iterator[Client]:
    with instance.sign_in() as client:
        yield client


@pytest.fixture(scope="session")
def rows() -> list[Labelled]:
    """Rows of the world that the first version knows."""
    return sample_rows(600, seed=3, drift=0.0)

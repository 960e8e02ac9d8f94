"""Instances for the tests of the whole system; a session trains the sample model as rarely as it can.

What `make test` runs shares one instance, started once and never stopped in between. The tests that kill
processes or steer the model (`make test-services`) get one per module, on a copy of a trained state folder.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from compose_stack.client import Client
from compose_stack.instance import Instance
from compose_stack.traffic import MODEL, Labelled, sample_rows

BUDGET_S = 2


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """Start the one instance of the tests that leave processes alone; its first start trains the model."""
    with Instance(tmp_path_factory.mktemp("shared") / "var") as started:
        _shorten_training(started)
        yield started


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the state folder of an instance that was started once, and stopped."""
    state_dir: Path = tmp_path_factory.mktemp("trained") / "var"
    with Instance(state_dir) as started:
        _shorten_training(started)
    return state_dir


@pytest.fixture(scope="module")
def instance(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """Start the module's own instance: feedback of other tests must not decide what its model learns."""
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


def _shorten_training(instance: Instance) -> None:
    with instance.sign_in() as admin:
        admin.set_policy(MODEL, budget_s=BUDGET_S, cooldown_s=0)

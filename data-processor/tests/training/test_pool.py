import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from data_processor.features.split import Split
from data_processor.models.policy import Policy
from data_processor.training.compile import compile_model
from data_processor.training.evaluation import fit_final
from data_processor.training.pool import local_pool, open_pool
from data_processor.training.search import Searched, search

ASKED = [
    {"estimator": "logistic-regression", "params": {"C": 1.0}},
    {
        "estimator": "hist-gradient-boosting",
        "params": {
            "learning_rate": 0.1,
            "max_iter": 40,
            "max_leaf_nodes": 15,
            "min_samples_leaf": 20,
            "l2_regularization": 1.0,
        },
    },
]

ENOUGH_S = 600
"""Never used up, however busy the machine: a search that is short of time measures fewer candidates."""


def assert_alike(here: Searched, there: Searched) -> None:
    """Assert that what both tried measured the same; what is drawn after that depends on what ended first."""
    mine, theirs = ({repr(row.candidate): row.metrics for row in one.leaderboard} for one in (here, there))
    both = mine.keys() & theirs.keys()
    assert len(both) >= len(ASKED)
    assert {candidate: mine[candidate] for candidate in both} == {one: theirs[one] for one in both}


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[str]:
    """Start a Dask scheduler and two workers, each a process of one thread; yield the scheduler's address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"tcp://127.0.0.1:{port}"
    quiet = ["--no-dashboard", "--host", "127.0.0.1"]
    scheduler = ["dask", "scheduler", *quiet, "--port", str(port)]
    worker = [
        "dask",
        "worker",
        address,
        *quiet,
        "--nthreads",
        "1",
        "--no-nanny",
        "--local-directory",
        str(tmp_path),
    ]
    programs = Path(sys.executable).parent
    with (tmp_path / "log").open("wb") as log:
        started = [
            subprocess.Popen(
                [str(programs / command[0]), *command[1:]],
                cwd=tmp_path,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
            for command in (scheduler, worker, worker)
        ]
    try:
        yield address
    finally:
        for process in reversed(started):
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@pytest.mark.services
def test_a_search_on_two_machines_finds_what_one_finds(
    cluster: str, census_split: Split, tmp_path: Path, wait_until: Callable[..., None]
) -> None:
    here = search(census_split, Policy(), budget_s=ENOUGH_S, seed=1, asked=ASKED)
    said: list[str] = []
    with open_pool(cluster, None, said.append) as pool:
        wait_until(lambda: pool.count() == 2, 60)
        there = search(census_split, Policy(), budget_s=ENOUGH_S, seed=1, asked=ASKED, pool=pool)
        assert pool.name == f"2 workers of the Dask cluster at {cluster}"

    assert said == []
    assert len(there.places) == 2
    assert str(os.getpid()) not in {place.rsplit(":", 1)[1] for place in there.places}
    assert_alike(here, there)
    pipeline = fit_final(census_split, there.best, 1)
    compiled = compile_model(
        pipeline, census_split.schema, census_split.holdout.frame, tmp_path / "model.onnx"
    )
    assert compiled.engine == "onnx"


def test_without_its_cluster_a_search_is_done_here(
    census_split: Split, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("data_processor.training.pool.CONNECT_S", 0.5)
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{unused.getsockname()[1]}"
        said: list[str] = []
        with open_pool(address, 1, said.append) as pool:
            found = search(census_split, Policy(), budget_s=5, seed=1, asked=ASKED[:1], pool=pool)

    assert (pool.name, pool.count()) == ("one thread", 1)
    assert [place.rsplit(":", 1)[1] for place in found.places] == [str(os.getpid())]
    assert address in said[0]
    assert "this worker fits the candidates" in said[0]
    assert np.isfinite(found.leaderboard[0].metrics["log_loss"])


def test_processes_have_what_is_shared_and_one_that_ends_is_replaced_by_this_process() -> None:
    with local_pool(2) as pool:
        token = pool.share([3, 1, 2])
        assert (pool.name, pool.count()) == ("2 processes", 2)
        assert pool.executor.submit(sorted, token, reverse=True).result(60) == [3, 2, 1]

        processes = list(pool.executor._executor._processes.values())  # type: ignore[attr-defined]  # its own
        assert os.getpid() not in {process.pid for process in processes}
        processes[0].kill()
        while pool.count() == 2:  # until the pool has noticed
            with suppress(BrokenExecutor):
                pool.executor.submit(sorted, token).result(60)
        assert pool.executor.submit(sorted, token).result(60) == [1, 2, 3]
    for process in processes:
        process.join(60)
        assert not process.is_alive()


@pytest.mark.services
def test_a_search_by_processes_finds_what_this_process_finds(census_split: Split) -> None:
    here = search(census_split, Policy(), budget_s=ENOUGH_S, seed=1, asked=ASKED)
    with local_pool(2) as pool:
        there = search(census_split, Policy(), budget_s=ENOUGH_S, seed=1, asked=ASKED, pool=pool)

    assert str(os.getpid()) not in {place.rsplit(":", 1)[1] for place in there.places}
    assert_alike(here, there)

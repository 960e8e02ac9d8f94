import contextlib
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import cast

import psycopg
import pytest

from data_processor.worker_registry import (
    LEADER_LOCK,
    SERVER_GIVES_UP,
    NameTakenError,
    PostgresWorkerRegistry,
    WorkerRegistry,
    open_worker_registry,
)

NewRegistry = Callable[..., WorkerRegistry]


@pytest.fixture
def new_registry(database_url: str) -> Iterator[NewRegistry]:
    with contextlib.ExitStack() as opened:

        def make(url: str = database_url) -> WorkerRegistry:
            registry = open_worker_registry(url)
            opened.callback(registry.close)
            return registry

        yield make


def registered(registry: WorkerRegistry, name: str | None = None) -> str:
    registry.register(name)
    return registry.name


def taken_over(registry: WorkerRegistry, names: set[str]) -> list[str]:
    dealt_with: list[str] = []
    registry.take_over(names, dealt_with.append)
    return dealt_with


def test_each_worker_has_the_lowest_free_name(new_registry: NewRegistry) -> None:
    first, second, third = new_registry(), new_registry(), new_registry()
    assert [registered(one) for one in (first, second, third)] == ["worker-1", "worker-2", "worker-3"]
    second.close()
    assert registered(new_registry()) == "worker-2"
    assert registered(new_registry()) == "worker-4"


def test_a_name_that_was_asked_for_is_given_once(new_registry: NewRegistry) -> None:
    first = new_registry()
    assert registered(first, "night-shift") == "night-shift"
    refusal = f"'night-shift' is already running: it holds {first.place('night-shift')}. Stop it"
    with pytest.raises(NameTakenError, match=re.escape(refusal)):
        new_registry().register("night-shift")
    first.close()
    assert registered(new_registry(), "night-shift") == "night-shift"


def test_the_jobs_of_a_name_are_taken_over_once_nobody_held_it_at_two_polls(
    new_registry: NewRegistry,
) -> None:
    living, dying, polling = new_registry(), new_registry(), new_registry()
    names = {registered(one) for one in (living, dying, polling)}
    assert taken_over(polling, names) == []
    dying.close()
    assert taken_over(polling, names) == []
    assert taken_over(polling, names | {"local"}) == ["worker-2"]
    assert taken_over(polling, names | {"local"}) == ["local", "worker-2"]


def test_a_name_that_came_back_between_two_polls_keeps_its_jobs(new_registry: NewRegistry) -> None:
    polling = new_registry()
    polling.register(None)
    assert taken_over(polling, {"worker-2"}) == []
    back = new_registry()
    assert registered(back) == "worker-2"
    assert taken_over(polling, {"worker-2"}) == []
    back.close()
    assert taken_over(polling, {"worker-2"}) == []
    assert taken_over(polling, {"worker-2"}) == ["worker-2"]


def test_a_name_is_held_while_its_jobs_are_taken_over_and_free_afterwards(
    new_registry: NewRegistry,
) -> None:
    polling, other = new_registry(), new_registry()
    polling.register("polling")
    held: list[bool] = []

    def fail(_name: str) -> None:
        held.append(not other.hold("name=gone"))
        raise ConnectionError("The jobs database is away.")

    assert taken_over(polling, {"gone"}) == []
    with pytest.raises(ConnectionError):
        polling.take_over({"gone"}, fail)
    assert held == [True]
    assert other.hold("name=gone")


def test_one_worker_leads_until_it_is_gone(new_registry: NewRegistry) -> None:
    first, second = new_registry(), new_registry()
    assert first.lead()
    assert first.lead()
    assert not second.lead()
    first.close()
    assert second.lead()


def test_every_database_has_names_of_its_own(new_registry: NewRegistry, database_url: str) -> None:
    if database_url.startswith("sqlite"):
        other_url = database_url.replace("test.db", "other.db")
    else:
        other_url = database_url.replace("@/test_", "@/other_")
        with contextlib.closing(psycopg.connect(conninfo(database_url), autocommit=True)) as connection:
            connection.execute(f"CREATE DATABASE {other_url.split('@/')[1].split('?')[0]}".encode())
    assert registered(new_registry()) == "worker-1"
    assert registered(new_registry(other_url)) == "worker-1"


HOLDING = """
import sys, time
from data_processor.worker_registry import open_worker_registry

registry = open_worker_registry(sys.argv[1])
print(registry.register(None), flush=True)
time.sleep(600)
"""


def test_the_name_of_a_killed_worker_is_free_soon(new_registry: NewRegistry, database_url: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDING, database_url], stdout=subprocess.PIPE, text=True
    ) as worker:
        try:
            assert worker.stdout is not None
            assert worker.stdout.readline() == "worker-1\n"
            assert registered(new_registry()) == "worker-2"
        finally:
            worker.kill()
    deadline = time.monotonic() + 30
    while not (first := new_registry()).hold("name=worker-1"):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert registered(first) == "worker-1"


def test_a_lock_is_held_by_the_worker_and_not_by_one_of_its_threads(new_registry: NewRegistry) -> None:
    first, second = new_registry(), new_registry()
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(first.lead).result()
    assert first.lead()
    assert not second.lead()
    with ThreadPoolExecutor(1) as pool:
        pool.submit(first.release, LEADER_LOCK).result()
    assert second.lead()


@pytest.mark.services
def test_a_worker_learns_that_the_server_let_its_name_go(postgres_url: str) -> None:
    first, second = open_worker_registry(postgres_url), open_worker_registry(postgres_url)
    try:
        first.register(None)
        assert first.is_kept()
        backend = cast("PostgresWorkerRegistry", first)._connection.info.backend_pid
        with contextlib.closing(psycopg.connect(conninfo(postgres_url), autocommit=True)) as connection:
            connection.execute("SELECT pg_terminate_backend(%s, 10000)", [backend])
        assert not first.is_kept()
        assert not first.is_kept()
        assert registered(second) == "worker-1"
    finally:
        first.close()
        second.close()


@pytest.mark.services
def test_the_server_soon_gives_up_a_worker_whose_machine_is_gone(postgres_url: str) -> None:
    registry = cast("PostgresWorkerRegistry", open_worker_registry(postgres_url))
    with contextlib.closing(registry):
        shown = registry._connection.execute(
            "SELECT name, source FROM pg_settings WHERE name LIKE 'tcp_%' ORDER BY name"
        ).fetchall()
    assert shown == [(name, "client") for name in sorted(SERVER_GIVES_UP)]


def conninfo(url: str) -> str:
    return url.replace("postgresql+psycopg:", "postgresql:")

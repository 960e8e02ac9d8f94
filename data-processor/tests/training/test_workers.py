"""Several workers of one stage: who does what, and what becomes of the work of one that dies."""

import contextlib
import signal
import time
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from data_processor.rows import PromotionRow, VersionRow
from data_processor.training.retrain import DEPLOYMENT, TRAINING

Workshop = Any
NewWorkshop = Callable[..., Any]


@pytest.fixture
def shop(new_workshop: NewWorkshop, database_url: str) -> Workshop:
    """Make a workshop whose records and jobs are in a database of each kind."""
    urls = (
        {} if database_url.startswith("sqlite") else dict.fromkeys(("records_url", "jobs_url"), database_url)
    )
    return new_workshop(**urls)


def start_workers(shop: Workshop, amount: int) -> dict[int, Any]:
    """Start workers one after the other; return them by their process ids."""
    found = {}
    for number in range(1, amount + 1):
        worker = shop.start_worker()
        found[worker.pid] = worker
        shop.wait_for_log("worker_ready", times=number)
    return found


def assert_done_once(shop: Workshop, run: str) -> None:
    row = shop.finish(run)
    assert (row.status, row.error, row.gate["verdict"]) == ("succeeded", None, "promote")
    assert [version.version for version in shop.rows(VersionRow)] == [row.version]
    assert [(entry.version, entry.run) for entry in shop.rows(PromotionRow)] == [(row.version, run)]
    done = [one["step"] for one in shop.runs.durations(run)]
    assert done == [*TRAINING, *DEPLOYMENT]


@pytest.mark.services  # `runs/test_workflows.py` has the same on a job of three steps
@pytest.mark.timeout(1200)
def test_of_two_workers_one_is_killed_and_the_other_finishes_its_run(shop: Workshop) -> None:
    shop.rate(30)
    workers = start_workers(shop, 2)
    assert {"worker-1", "worker-2"} <= set(shop.worker_log().replace("executor=", "").split())
    run = shop.open_run(budget_s=5)
    shop.wait(run, lambda row: row.step == "search" and len(shop.children()) == 1)
    killed = workers.pop(shop.children()[0].ppid())
    killed.kill()
    assert killed.wait() == -signal.SIGKILL
    assert_done_once(shop, run)
    [survivor] = workers.values()
    assert survivor.poll() is None
    assert shop.worker_log().count("jobs_taken_over") == 1


@pytest.mark.services
@pytest.mark.timeout(1200)
def test_two_workers_never_do_the_same_step_of_a_run(shop: Workshop) -> None:
    shop.rate(30)
    start_workers(shop, 2)
    run = shop.open_run()
    assert_done_once(shop, run)
    events, _closed = shop.runs.events(run)
    began = [event.body["step"] for event in events if event.body.get("state") in ("started", "resumed")]
    assert began == [*TRAINING, *DEPLOYMENT]
    shop.wait_for_log("run_finished")
    assert shop.worker_log().count("run_finished") == 1


@pytest.mark.services
def test_a_job_of_a_name_that_never_comes_back_is_taken_over(workshop: Workshop) -> None:
    run = workshop.open_run()
    worker = workshop.start_worker("before split", executor_id="former")
    assert worker.wait(180) == -signal.SIGKILL
    workshop.start_worker()
    assert workshop.finish(run).status == "succeeded"
    assert "executor=former" in workshop.worker_log().split("jobs_taken_over")[1].splitlines()[0]


def test_a_second_worker_of_a_name_that_is_asked_for_is_refused(workshop: Workshop) -> None:
    first = workshop.start_worker(executor_id="local")
    workshop.wait_for_log("worker_ready")
    second = workshop.start_worker(executor_id="local")
    assert second.wait(120) == 1
    assert "A worker named 'local' is already running" in workshop.worker_log()
    assert first.poll() is None


@pytest.mark.services
def test_a_worker_whose_name_is_lost_ends_at_once_with_its_child(
    new_workshop: NewWorkshop, postgres_url: str
) -> None:
    shop = new_workshop(records_url=postgres_url, jobs_url=postgres_url)
    shop.rate(30)
    worker = shop.start_worker()
    run = shop.open_run(budget_s=600)
    shop.wait(run, lambda row: row.step == "search" and len(shop.children()) == 1)
    url = postgres_url.replace("postgresql+psycopg:", "postgresql:")
    with contextlib.closing(psycopg.connect(url, autocommit=True)) as connection:
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'")
    began = time.monotonic()
    assert worker.wait(60) == 1
    assert time.monotonic() - began < 30
    assert "worker_name_lost" in shop.worker_log()
    shop.wait(run, lambda _row: not shop.children(), seconds=60)
    assert shop.row(run).status == "running"


@pytest.mark.services
def test_leading_a_stage_passes_to_the_worker_that_lives(workshop: Workshop) -> None:
    workers = list(start_workers(workshop, 2).values())
    workshop.finish(workshop.open_run())
    workers[0].kill()
    workers[0].wait()
    workshop.mlflow.call(
        "DELETE",
        "/registered-models/alias",
        what="",
        json={"name": workshop.model, "alias": "main"},
    )
    moved = workshop.worker_log().count("alias_moved")
    workshop.wait_for_log("alias_moved", times=moved + 1)
    assert workshop.aliases.read(workshop.model, "main").version == "1"

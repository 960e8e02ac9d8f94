"""kill -9 of the worker: a live run goes on from its last checkpoint, and nothing that was said is lost."""

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from data_processor.rows import LiveCommandRow


def told(live: Any, run: str) -> list[tuple[str, int]]:
    """Return what watchers saw, each with its number."""
    events, _ = live.shop.runs.events(run)
    return [(event.type, event.seq) for event in events]


@pytest.mark.services
@pytest.mark.timeout(600)
def test_a_killed_worker_s_run_goes_on_to_the_same_numbers(workers_live: Any) -> None:
    live = workers_live
    run = live.start(epochs=100_000, paused=True)
    worker = live.shop.start_worker()
    live.wait_for(run, lambda one: one.state == "paused", 200)
    live.step(run, 3)
    live.runs.change(run, {"learning_rate": 0.05}, "mallory")
    live.runs.tell(run, "resume", "eve")
    live.wait_for(run, lambda one: one.epoch >= 8)
    os.killpg(worker.pid, signal.SIGKILL)
    worker.wait()
    seen = live.views.read(run).epoch
    live.runs.change(run, {"alpha": 0.01}, "mallory")  # nobody is there to do it
    live.shop.start_worker()
    live.wait_for(run, lambda one: not one.pending and one.epoch > seen, 200)
    live.runs.tell(run, "stop", "eve")
    live.shop.finish(run)

    numbers = [seq for _, seq in told(live, run)]
    assert numbers == list(range(1, len(numbers) + 1))
    epochs = [one["epoch"] for one in live.events(run, "metric")]
    assert epochs == list(range(1, len(epochs) + 1))
    assert [one.number for one in live.views.read(run).changes] == [1, 2]
    said = [one["message"] for one in live.events(run, "log") if "interrupted" in one.get("message", "")]
    assert len(said) == 1

    again = live.fork(run, replay=True)
    live.shop.finish(again)
    assert live.shop.runs.result(again)["live"]["replay"]["same"] is True


@pytest.mark.services
@pytest.mark.timeout(600)
@pytest.mark.parametrize("point", ["before change", "after checkpoint", "after change"])
def test_a_worker_killed_in_a_change_makes_it_once(
    workers_live: Any, point: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = workers_live
    run = live.start(epochs=6, paused=True)
    monkeypatch.setenv("CRASHING_CHILD", "crashing_child")
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    live.shop.start_worker(point)
    live.wait_for(run, lambda one: one.state == "paused", 200)
    live.step(run, 2)
    live.runs.change(run, {"learning_rate": 0.05}, "mallory")
    live.wait_for(run, lambda _: live.crashed(), 100)
    live.shop.start_worker(point)
    live.wait_for(run, lambda one: len(one.changes) == 1 and not one.pending, 200)
    live.runs.tell(run, "resume", "eve")
    row = live.shop.finish(run)
    assert row.status == "succeeded", row.error
    (change,) = live.views.read(run).changes
    assert (change.epoch, change.row) == (2, 0)
    assert len(live.events(run, "hyperparameters")) == 1
    assert [one.done_at is not None for one in live.shop.rows(LiveCommandRow)] == [True] * 4
    again = live.fork(run, replay=True)
    live.shop.finish(again)
    assert live.shop.runs.result(again)["live"]["replay"]["same"] is True

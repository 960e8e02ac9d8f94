"""What watchers of a live run see, and what they cost it: it learns with 100 of them and without, in turn."""

import json
import math
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

import psutil

from compose_stack.benchmarks.single_row import WrongAnswer
from compose_stack.benchmarks.telemetry import PAIRS, Ratio, ratio
from compose_stack.benchmarks.watchers import Job, Seen
from compose_stack.client import Client
from compose_stack.instance import Instance

WATCHERS = 100
SECONDS = 3.0
"""Of each part of a pair."""
EPOCHS = 100_000
"""More than are learnt meanwhile."""
BEGIN_S = 120.0
POLL_S = 0.2
PERCENTILE = 0.95


@dataclass(frozen=True)
class Found:
    """What was found, over all pairs."""

    late_ms: float
    """From the record of an event to a watcher, the 95th percentile."""
    events: int
    """Over all watchers."""
    time: Ratio
    """What an epoch takes with watchers, against without."""
    cpu: Ratio
    """The same in CPU of the process that learns, which no other load on the machine lengthens."""


def measure(instance: Instance, admin: Client, model: str, tell: Callable[[str], None]) -> Found:
    """Start a live run of a model, watch it, and stop it."""
    run = admin.call("POST", f"/v1/models/{model}/live-runs", json={"epochs": EPOCHS})["id"]
    try:
        _wait_until_it_learns(admin, run)
        return _compare(instance, admin, run, tell)
    finally:
        admin.call("POST", f"/v1/runs/{run}/stop")


def percentile(values: list[float], share: float) -> float:
    """Return the smallest value that at least this share of the values does not exceed."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


@contextmanager
def watchers() -> Iterator[Callable[[Mapping[str, Any]], Any]]:
    """Start the process of the watchers; yield what tells it something and returns its answer."""
    command = [sys.executable, "-m", "compose_stack.benchmarks.watchers"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        sent, got = process.stdin, process.stdout
        assert sent is not None  # noqa: S101  # it is a pipe
        assert got is not None  # noqa: S101  # so is this

        def ask(words: Mapping[str, Any]) -> Any:
            sent.write(json.dumps(words) + "\n")
            sent.flush()
            answer = got.readline()
            if not answer:
                raise WrongAnswer("The watchers ended before their time; their last words are above.")
            return json.loads(answer)

        try:
            yield ask
        finally:
            process.terminate()


def job(admin: Client, run: str, after: int, count: int = WATCHERS) -> Mapping[str, Any]:
    """Return what opens watchers of a run, in somebody's name, after an event."""
    url = f"{admin.url.replace('http', 'ws', 1)}/v1/runs/{run}/events"
    return {"open": asdict(Job(url, {"Authorization": admin.authorization}, count, after))}


def _compare(instance: Instance, admin: Client, run: str, tell: Callable[[str], None]) -> Found:
    times, cpus, late, events = [], [], [], 0
    learner = instance.process("data_processor.child")
    with watchers() as ask:
        for turn in range(PAIRS):
            time_off, cpu_off = _per_epoch(admin, run, learner)
            ask(job(admin, run, after=_live(admin, run)["last_seq"]))
            time_on, cpu_on = _per_epoch(admin, run, learner)
            seen = Seen(**ask({"close": True}))
            if seen.gaps:
                raise WrongAnswer(f"{seen.gaps} events were missing, or came twice.")
            times.append(time_on / time_off)
            cpus.append(cpu_on / cpu_off)
            late += seen.late_ms
            events += seen.events
            tell(
                f"pair {turn + 1}, with {WATCHERS} watchers against without: time {times[-1]:.3f}, "
                f"CPU {cpus[-1]:.3f}; p95 {percentile(seen.late_ms, PERCENTILE):.0f} ms"
            )
    return Found(percentile(late, PERCENTILE), events, ratio(times), ratio(cpus))


def _per_epoch(admin: Client, run: str, learner: psutil.Process) -> tuple[float, float]:
    """Return the seconds, and the seconds of CPU, that an epoch takes."""
    began, epoch, cpu = time.monotonic(), _live(admin, run)["epoch"], _cpu(learner)
    time.sleep(SECONDS)
    epochs = _live(admin, run)["epoch"] - epoch
    if not epochs:
        raise WrongAnswer(f"Live run {run} learnt nothing for {SECONDS:g} s.")
    return (time.monotonic() - began) / epochs, (_cpu(learner) - cpu) / epochs


def _wait_until_it_learns(admin: Client, run: str) -> None:
    deadline = time.monotonic() + BEGIN_S
    while not (live := _live(admin, run))["epoch"]:
        if live["status"] not in ("queued", "running") or time.monotonic() > deadline:
            raise WrongAnswer(f"Live run {run} does not learn: it is {live['state']}. {live['why'] or ''}")
        time.sleep(POLL_S)


def _live(admin: Client, run: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = admin.call("GET", f"/v1/runs/{run}/live")
    return found


def _cpu(process: psutil.Process) -> float:
    used = process.cpu_times()
    return used.user + used.system

"""Several processes, and processes that die: what was acknowledged is there, and what follows from it."""

import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from data_processor.rows import OPEN_RUN, IdempotencyRow, RunRow

GIVING = Path(__file__).with_name("giving.py")


class Giver:
    """A process that gives feedback once it is told to."""

    def __init__(self, stage: Any, first: int, count: int, subject: str, *key: str) -> None:
        """Start it."""
        url = stage.database.engine.url.render_as_string(hide_password=False)
        command = [sys.executable, str(GIVING), url, str(first), str(count), subject, *key]
        self._heard: list[str] = []
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def go(self) -> None:
        """Let it begin, as soon as it is ready."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n"
        self._process.stdin.write("\n")
        self._process.stdin.flush()

    def kill_after(self, answers: int, seconds: float) -> None:
        """Kill it a moment after it got so many answers, wherever it is then."""
        assert self._process.stdout is not None
        self._heard = [self._process.stdout.readline() for _ in range(answers)]
        time.sleep(seconds)
        self._process.kill()

    def acknowledged(self) -> list[tuple[str, int, int]]:
        """Wait for its end; return each answered prediction, its status and the feedback's number."""
        said, _ = self._process.communicate(timeout=180)
        lines = [*self._heard, *said.splitlines(keepends=True)]
        whole = [line.split() for line in lines if line.endswith("\n")]
        return [(prediction, int(status), int(seq)) for prediction, status, seq in whole]


def check(stage: Any) -> None:
    """Check that decisions and runs belong together, and that at most one run is open."""
    runs, decisions = stage.rows(RunRow), stage.decisions()
    assert sum(run.status in OPEN_RUN for run in runs) <= 1
    assert {run.id for run in runs} == {row.run for row in decisions if row.run}
    seqs = [row.score["seq"] for row in decisions]
    assert all(later - earlier >= 50 for earlier, later in zip([0, *seqs], seqs, strict=False))
    assert len(stage.said()) - (seqs[-1] if seqs else 0) < 50


def test_feedback_from_three_processes_at_once_is_all_there_and_opens_one_run(stage: Any) -> None:
    givers = [Giver(stage, 100 * number, 80, f"person-{number}") for number in range(3)]
    for giver in givers:
        giver.go()
    acknowledged = [one for giver in givers for one in giver.acknowledged()]
    stored = {row.seq: row.prediction for row in stage.said()}
    assert len(acknowledged) == len(stored) == 240
    assert all(stored[seq] == prediction for prediction, _, seq in acknowledged)
    assert [row.score["n"] for row in stage.decisions()] == [50, 100, 150, 200]
    assert len(stage.rows(RunRow)) == 1
    check(stage)


def test_the_same_request_to_three_processes_at_once_is_recorded_once(stage: Any) -> None:
    givers = [Giver(stage, 7, 1, "ann", "one-key") for _ in range(3)]
    for giver in givers:
        giver.go()
    answers = {one for giver in givers for one in giver.acknowledged()}
    assert len(answers) == len(stage.said()) == len(stage.rows(IdempotencyRow)) == 1


@pytest.mark.parametrize("kills", [3, pytest.param(20, marks=pytest.mark.services)])
def test_killing_the_process_loses_no_acknowledged_feedback_and_no_run(
    new_stage: Callable[..., Any], kills: int
) -> None:
    stage, chance, acknowledged = new_stage(), random.Random(20), []  # noqa: S311  # no secret
    for number in range(kills):
        giver = Giver(stage, 10_000 * number, 10_000, "ann")
        giver.go()
        giver.kill_after(chance.randint(1, 60), chance.uniform(0, 0.02))
        acknowledged += giver.acknowledged()
        check(stage)
        if number % 2 and any(run.status == "queued" for run in stage.rows(RunRow)):
            stage.end_run("hold", n=0)
    stored = {row.seq: row.prediction for row in stage.said()}
    assert all(stored[seq] == prediction for prediction, _, seq in acknowledged)
    assert len(acknowledged) >= 20 * kills
    assert stage.rows(RunRow)

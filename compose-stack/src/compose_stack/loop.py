"""The loop, played through the public face: traffic, feedback, a falling score, a run, a gate, a promotion.

Nothing here sets a score or a verdict: the true label of each row comes from the world that it was drawn
from, and every decision is the platform's own.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from compose_stack.client import Client
from compose_stack.people import FeedbackGiven, People
from compose_stack.traffic import MODEL, Labelled
from compose_stack.training import OPEN, Followed, Step, describe_gate, follow

CHECK_EVERY = 50
"""The controller evaluates the score each time this much more feedback has arrived."""
RUN_PATIENCE_S = 600.0
SWAP_PATIENCE_S = 60.0
POLL_S = 0.02
BEST = 3
"""How many candidates of a leaderboard are shown."""


class LoopStaysOpen(Exception):
    """The loop did not close; the message says where it stopped."""


@dataclass
class Timings:
    """How long each part took, in order."""

    parts: list[tuple[str, float]] = field(default_factory=list)

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Time a block."""
        started = time.monotonic()
        yield
        self.parts.append((name, time.monotonic() - started))


@dataclass
class Fall:
    """What a falling score led to."""

    low: dict[str, Any]
    """The lowest score observed."""
    run: Followed
    """The run whose challenger was promoted."""
    feedback: int
    """How many predictions got feedback, over all runs."""
    runs: int
    seconds: float
    """From sending the feedback that triggered that run to the first answer of the new version."""


class Loop:
    """Play the loop on one model, and report everything that happens."""

    def __init__(self, admin: Client, people: People, tell: Callable[[str], None]) -> None:
        """Let `people` use the sample model; `admin` only observes."""
        self._admin = admin
        self._people = people
        self._tell = tell

    def let_open_runs_end(self) -> None:
        """Wait for runs that another user or an earlier demo has left open."""
        for run in self._admin.runs(MODEL):
            if run["status"] in OPEN:
                self._tell(f"run {run['id']} is already open: waiting for it to end")
                follow(self._admin, run["id"], self._tell_step, RUN_PATIENCE_S)

    def accuracy(self, rows: Sequence[Labelled]) -> float:
        """Return the share of rows the served version gets right, without giving feedback."""
        answers = self._people.predict(MODEL, rows)
        right = [bool(answer["label"] == row.truth) for answer, row in zip(answers, rows, strict=True)]
        return sum(right) / len(right)

    def give_feedback(self, rows: Sequence[Labelled]) -> dict[str, Any]:
        """Let the people predict the rows and give feedback, in rounds; return the score after the last."""
        score: dict[str, Any] = {}
        for start in range(0, len(rows), CHECK_EVERY):
            _, score = self._play_round(rows[start : start + CHECK_EVERY])
        return score

    def fall_and_recover(self, rows: Sequence[Labelled], served: str) -> Fall:
        """Give feedback from another world until the platform has replaced version `served`."""
        low: dict[str, Any] | None = None
        known = {run["id"] for run in self._admin.runs(MODEL)}
        runs = 0
        for start in range(0, len(rows), CHECK_EVERY):
            given, score = self._play_round(rows[start : start + CHECK_EVERY])
            if score["value"] is not None and (low is None or score["value"] < low["value"]):
                low = score
            opened = [run for run in self._admin.runs(MODEL) if run["id"] not in known]
            if not opened:
                continue
            runs += len(opened)
            known.update(run["id"] for run in opened)
            followed = self._follow(opened[0])
            gate = followed.run["gate"] or {}
            if gate.get("verdict") == "promote" and not gate.get("waits"):
                self._wait_until_replaced(served, rows[0])
                seconds = time.monotonic() - given.last_at
                return Fall(low or score, followed, start + CHECK_EVERY, runs, seconds)
        raise LoopStaysOpen(
            f"After feedback on {len(rows)} predictions and {runs} run(s), no challenger was promoted. "
            f"State of the score: {self._admin.score(MODEL)['reason']}"
        )

    def answering_version(self, row: Labelled) -> str:
        """Return the version that currently answers predictions."""
        return str(self._admin.predict(MODEL, [row.inputs])["version"])

    def _play_round(self, rows: Sequence[Labelled]) -> tuple[FeedbackGiven, dict[str, Any]]:
        given = self._people.predict_and_give_feedback(MODEL, rows)
        score: dict[str, Any] = self._admin.score(MODEL)
        self._tell(f"{given.right} of {len(given.predictions)} were right · {describe_score(score)}")
        return given, score

    def _follow(self, run: dict[str, Any]) -> Followed:
        self._tell(f"the controller opened run {run['id']}: {run.get('reason', '')}")
        followed = follow(self._admin, run["id"], self._tell_step, RUN_PATIENCE_S)
        for entry in (followed.run.get("leaderboard") or [])[:BEST]:
            self._tell(f"  candidate {entry['candidate']}: {entry['metrics']}")
        gate = followed.run.get("gate")
        self._tell(f"  gate: {describe_gate(gate) if gate else 'none'}")
        if gate and gate.get("waits"):
            self._tell(f"  {gate['waits']}")
        self._tell(f"  run {followed.run['status']} after {followed.seconds:.1f} s")
        if followed.run["status"] != "succeeded":
            raise LoopStaysOpen(f"Run {run['id']} {followed.run['status']}: {followed.run['error']}")
        return followed

    def _tell_step(self, step: Step) -> None:
        self._tell(f"  {step.name}: {step.seconds:.1f} s")

    def _wait_until_replaced(self, served: str, row: Labelled) -> None:
        deadline = time.monotonic() + SWAP_PATIENCE_S
        while self.answering_version(row) == served:
            if time.monotonic() > deadline:
                raise LoopStaysOpen(
                    f"Version {served} is still serving {SWAP_PATIENCE_S:g} s after the run ended."
                )
            time.sleep(POLL_S)


def describe_score(score: dict[str, Any]) -> str:
    """Describe a score in one line."""
    value = "none yet" if score["value"] is None else f"{score['value']:.3f} ({describe_bounds(score)})"
    return f"score {value}, n {score['n']} · {score['state']}: {score['reason']}"


def describe_bounds(score: dict[str, Any]) -> str:
    """Return the interval of a score that has one."""
    return f"{score['low']:.3f} to {score['high']:.3f}"

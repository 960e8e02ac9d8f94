"""`make demo`: the whole loop, played through the public face against a running or a fresh instance."""

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from rich.console import Console
from rich.table import Table

from compose_stack.client import Client, Refused
from compose_stack.instance import found_or_started
from compose_stack.loop import Fall, Loop, LoopStaysOpen, Timings, describe_bounds, describe_score
from compose_stack.people import People
from compose_stack.settings import CannotStart, Settings
from compose_stack.traffic import MODEL, Labelled, sample_rows

PEOPLE = 16
"""Enough that a verdict hardly depends on whose labels are left out: the gate leaves out each in turn."""
PROBE_ROWS = 200
STEADY_ROWS = 100
"""Twice what a score needs; more of the old world would be what the first gate after a change decides on."""
SHIFTED_ROWS = 3000
COOLDOWN_S = 1.0
WORLDS = (0.0, 1.0)
"""Values of drift: the world that the sample model is first trained on, and a very different one."""

Tell = Callable[[str], None]


@dataclass
class Outcome:
    """The result of the loop."""

    before: dict[str, Any]
    fall: Fall
    after: dict[str, Any]
    timings: Timings


def main() -> int:
    """Play the loop; print why and return 1 if it does not close."""
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--seed", type=int, default=7, help="seed of the traffic (default: 7)")
    seed: int = parser.parse_args().seed
    console = Console()
    started = time.monotonic()

    def tell(line: str) -> None:
        since = time.monotonic() - started
        console.print(f"[{since:6.1f} s] {line}", markup=False, highlight=False, soft_wrap=True)

    try:
        settings = Settings.from_environment(os.environ)
        with (
            found_or_started(settings, tell) as admin,
            short_cooldown(admin, tell),
            People(admin, PEOPLE) as people,
        ):
            summarise(play(admin, people, seed, tell), tell, console)
    except (CannotStart, LoopStaysOpen, Refused, TimeoutError) as error:
        tell(f"The loop did not close. {error}")
        return 1
    except httpx.HTTPError as error:
        tell(f"The loop did not close: the gateway cannot be reached ({error!r}).")
        return 1
    tell(f"The loop closed after {time.monotonic() - started:.0f} s.")
    return 0


@contextmanager
def short_cooldown(admin: Client, tell: Tell) -> Iterator[None]:
    """Shorten the cooldown between runs, and change nothing else in the policy, until the block ends."""
    policy = admin.model(MODEL)["policy"]
    tell(f"policy, of which the demo changes only cooldown_s, to {COOLDOWN_S:g}: {policy}")
    admin.set_policy(MODEL, cooldown_s=COOLDOWN_S)
    try:
        yield
    finally:
        admin.set_policy(MODEL, cooldown_s=policy["cooldown_s"])


def play(admin: Client, people: People, seed: int, tell: Tell) -> Outcome:
    """Play the loop once."""
    tell(f"seed {seed}; {PEOPLE} people predict and give feedback")
    timings = Timings()
    loop = Loop(admin, people, tell)
    loop.let_open_runs_end()
    probes = {drift: sample_rows(PROBE_ROWS, seed, drift) for drift in WORLDS}
    version = loop.answering_version(probes[0.0][0])
    with timings.part("finding out which world the model knows"):
        home, away = _worlds(loop, probes, tell)
    with timings.part("steady traffic with feedback"):
        tell(f"traffic with drift {home:g} (seed {seed + 1}): the world that version {version} knows")
        before = loop.give_feedback(sample_rows(STEADY_ROWS, seed + 1, home))
    with timings.part("changed traffic with feedback, until a better version serves"):
        tell(f"the world changes: traffic with drift {away:g} (seed {seed + 2})")
        fall = loop.fall_and_recover(sample_rows(SHIFTED_ROWS, seed + 2, away), version)
    entry = admin.ledger(MODEL)[0]
    tell(f"version {entry['version']} is serving; the ledger gives the reason: {entry['reason']}")
    with timings.part("changed traffic with feedback again"):
        tell(f"traffic with drift {away:g} (seed {seed + 3}): the changed world")
        after = loop.give_feedback(sample_rows(STEADY_ROWS, seed + 3, away))
    return Outcome(before, fall, after, timings)


def summarise(outcome: Outcome, tell: Tell, console: Console) -> None:
    """Print the result; raise LoopStaysOpen if the score did not recover."""
    fall = outcome.fall
    table = Table("", "version", "score", "95 % interval", "n", title="The loop", title_justify="left")
    scores = {"before": outcome.before, "at its lowest": fall.low, "after": outcome.after}
    for name, score in scores.items():
        value = f"{score['value']:.3f}"
        table.add_row(name, str(score["version"]), value, describe_bounds(score), str(score["n"]))
    console.print(table)
    for name, seconds in outcome.timings.parts:
        tell(f"{name}: {seconds:.1f} s")
    steps = ", ".join(f"{step.name} {step.seconds:.1f} s" for step in fall.run.steps)
    tell(f"the run whose challenger was promoted: {steps}")
    tell(f"from the feedback that triggered it to the first answer of the new version: {fall.seconds:.1f} s")
    tell(f"it took {fall.runs} run(s), and feedback on {fall.feedback} predictions of the changed world")
    tell(f"at the end: {describe_score(outcome.after)}")
    if outcome.after["value"] <= fall.low["value"]:
        raise LoopStaysOpen(f"The score is {outcome.after['value']:.3f}, no better than at its lowest.")


def _worlds(loop: Loop, probes: dict[float, list[Labelled]], tell: Tell) -> tuple[float, float]:
    # After an earlier demo the served version knows the changed world: then the world changes back.
    right = {drift: loop.accuracy(rows) for drift, rows in probes.items()}
    home, away = sorted(WORLDS, key=lambda drift: -right[drift])
    tell(f"it gets {right[home]:.1%} right with drift {home:g}, and {right[away]:.1%} with drift {away:g}")
    return home, away


if __name__ == "__main__":
    sys.exit(main())

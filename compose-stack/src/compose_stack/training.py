"""Follow a training run through the gateway."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from compose_stack.client import Client

POLL_S = 0.1
OPEN = ("queued", "running")


@dataclass(frozen=True)
class Step:
    """One step of a run, as seen from outside."""

    name: str
    seconds: float


@dataclass(frozen=True)
class Followed:
    """A run that has ended."""

    run: dict[str, Any]
    steps: tuple[Step, ...]
    seconds: float


def follow(client: Client, run: str, on_step: Callable[[Step], None], patience_s: float) -> Followed:
    """Poll a run until it ends, reporting each step that is over; raise TimeoutError after `patience_s`."""
    started = entered = time.monotonic()
    name = "queued"
    steps: list[Step] = []
    while True:
        seen = client.run(run)
        now = time.monotonic()
        over = seen["status"] not in OPEN
        current = str(seen.get("step") or name)
        if over or current != name:
            steps.append(Step(name, now - entered))
            on_step(steps[-1])
            name, entered = current, now
        if over:
            return Followed(seen, tuple(steps), now - started)
        if now - started > patience_s:
            raise TimeoutError(f"Run {run} is still {seen['status']} at step {name} after {patience_s:g} s.")
        time.sleep(POLL_S)


def describe_gate(gate: dict[str, Any]) -> str:
    """Describe a gate's receipt in one line."""
    p_value = gate.get("p_value")
    parts = [
        f"{gate['verdict']}: {gate['reason']}",
        f"slice {gate.get('slice')}",
        f"{gate.get('metric')} champion {gate.get('champion')} → challenger {gate.get('challenger')}",
        f"n {gate.get('n')}",
        f"p {p_value:.4g} against alpha {gate.get('alpha'):.4g}" if p_value is not None else "",
        f"rows needed {gate['n_needed']}" if gate.get("n_needed") else "",
    ]
    return " · ".join(part for part in parts if part)

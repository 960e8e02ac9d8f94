"""The real child of a run, which kills its worker with -9, and so itself, at a moment of a change.

`CRASH_POINTS` names it: `before change`, `after checkpoint` or `after change`. It happens once.
"""

import os
import signal
import time
from pathlib import Path
from typing import Any

from data_processor.child import TASKS
from data_processor.runs.compute import main
from data_processor.training.live.steering import Steering
from data_processor.training.live.store import LiveStore

DONE = Path(os.environ["STATE_DIR"]) / "crashed"
SAVE, CHANGE = LiveStore.save, Steering.change
changing: list[Any] = []
"""The change that is being made."""


def crash_at(point: str) -> None:
    """Kill the worker if this is the moment, and wait for the kernel to end this process with it."""
    if os.environ["CRASH_POINTS"] == point and not DONE.exists():
        DONE.write_text(point)
        os.kill(os.getppid(), signal.SIGKILL)
        time.sleep(60)


def save(store: LiveStore, loop: Any, *, lasting: bool) -> None:
    """Store a checkpoint; if it is the one before a change, what follows is a moment of its own."""
    SAVE(store, loop, lasting=lasting)
    if changing:
        crash_at("after checkpoint")


def change(steering: Steering, *arguments: Any) -> None:
    """Make a change between two moments."""
    crash_at("before change")
    changing.append(arguments)
    CHANGE(steering, *arguments)
    changing.clear()
    crash_at("after change")


if __name__ == "__main__":
    LiveStore.save = save  # type: ignore[method-assign, assignment]  # that is the point
    Steering.change = change  # type: ignore[method-assign, assignment]
    main(TASKS)

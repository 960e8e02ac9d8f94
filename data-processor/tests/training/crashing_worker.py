"""The real worker, which kills itself with -9 right before or right after steps that it is told of.

`CRASH_POINTS` lists them in order, e.g. `before gate,after register`; what was done once is written down in
the state folder, so that a worker started again with the same list goes on to the next. "After" is the
worst moment: everything of the step is done, and the workflow does not remember it yet. At `break begin` it
stumbles over a defect of its own instead.
"""

import os
import signal
from collections.abc import Callable
from typing import Any

from data_processor.runs import child
from data_processor.runs.jobs import Jobs
from data_processor.settings import Settings
from data_processor.worker import work

SETTINGS = Settings()
DONE = SETTINGS.state_dir / "crashed"


def crash_at(point: str) -> None:
    """Die if this point is the next on the list."""
    points = list(filter(None, os.environ["CRASH_POINTS"].split(",")))
    done = DONE.read_text().splitlines() if DONE.exists() else []
    if point in points[len(done) : len(done) + 1]:
        DONE.write_text("\n".join([*done, point]))
        if point.startswith("break"):
            raise RuntimeError("A defect.")
        os.kill(os.getpid(), signal.SIGKILL)


def crashing(method: Callable[..., Any], name: str | None = None) -> Callable[..., Any]:
    """Wrap a step's method; without a name the step's is its last argument."""

    def wrapped(self: Jobs, run: str, *arguments: Any) -> Any:
        step = name or arguments[-1]
        crash_at(f"break {step}")
        crash_at(f"before {step}")
        outcome = method(self, run, *arguments)
        crash_at(f"after {step}")
        return outcome

    return wrapped


if __name__ == "__main__":
    if "CRASHING_CHILD" in os.environ:
        child.ENTRY = os.environ["CRASHING_CHILD"]
    Jobs.begin = crashing(Jobs.begin, "begin")  # type: ignore[method-assign]  # that is the point
    Jobs.carry_out = crashing(Jobs.carry_out)  # type: ignore[method-assign]
    Jobs.finish = crashing(Jobs.finish, "finish")  # type: ignore[method-assign]
    work(SETTINGS)

"""Where a live run can be left by a fork, and what was in force there."""

from collections.abc import Mapping
from typing import Any

from streamlit_ui.contract.types import Branch, Change, LiveRun


def before(run: LiveRun, change: Change) -> dict[str, Any]:
    """Return the hyperparameters that were in force just before a change."""
    return _undone(run, [one for one in run["changes"] if one["number"] >= change["number"]])


def after(run: LiveRun, epoch: int) -> dict[str, Any]:
    """Return the hyperparameters that were in force when an epoch ended."""
    return _undone(run, [one for one in run["changes"] if (one["epoch"], one["row"]) >= (epoch, 0)])


def first_epoch(run: LiveRun) -> int:
    """Return the first place of this run itself: earlier ones are those of the run it was forked from."""
    return run["parent_epoch"] or 0


def best_epoch(run: LiveRun) -> int:
    """Return the epoch with the best value, or the last one while there is none."""
    return run["best"]["epoch"] if run["best"] else run["epoch"]


def tree(runs: list[Branch]) -> list[tuple[int, Branch]]:
    """Return a tree of forks in the order it is read, oldest first, each with how deep it stands."""
    known = {one["id"] for one in runs}
    below: dict[str | None, list[Branch]] = {}
    for one in sorted(runs, key=lambda one: (one["created_at"], one["id"])):
        below.setdefault(one["parent"] if one["parent"] in known else None, []).append(one)
    found: list[tuple[int, Branch]] = []
    left = [(0, one) for one in reversed(below.get(None, []))]
    while left:
        depth, one = left.pop()
        found.append((depth, one))
        left += [(depth + 1, fork) for fork in reversed(below.get(one["id"], []))]
    return found


def _undone(run: LiveRun, changes: list[Change]) -> dict[str, Any]:
    values: dict[str, Any] = dict(run["hyperparameters"])
    for one in sorted(changes, key=lambda one: -one["number"]):
        moved: Mapping[str, Mapping[str, Any]] = one["changes"]
        values |= {name: move.get("from") for name, move in moved.items()}
    return values

"""Live runs in words: their states, and who changed what, when and where."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from streamlit_ui.contract.types import Change, Hyperparameter, LiveRun, Pending
from streamlit_ui.declarations import label, shown
from streamlit_ui.text import listing, number, plural, title
from streamlit_ui.times import when
from streamlit_ui.words import Word

_STATES = {
    "waiting": Word("Waiting", "gray", ":material/schedule:", "It begins as soon as a place is free."),
    "preparing": Word(
        "Preparing", "gray", ":material/hourglass_top:", "The rows are made ready to learn from."
    ),
    "running": Word("Learning", "blue", ":material/model_training:", "It learns epoch by epoch."),
    "paused": Word("Paused", "orange", ":material/pause_circle:", "It waits to be resumed."),
    "ended": Word("Ended", "green", ":material/check_circle:", "It can still be forked and kept."),
}
_FAILED = Word("Failed", "red", ":material/error:", "It ended with an error.")
_CANCELLED = Word("Cancelled", "gray", ":material/cancel:", "Somebody cancelled it.")
_DIVERGED = Word("Diverged", "red", ":material/trending_up:", "It cannot learn on from here.")
_SHORT = 8
"""So many characters of a run's id tell it from others."""
_TOLD = {"pause": "Pause", "resume": "Resume", "stop": "Stop"}


def state(run: LiveRun) -> Word:
    """Return the word for where a live run stands."""
    if run["diverged"]:
        return _DIVERGED
    if run["state"] == "ended" and run["status"] in ("failed", "cancelled"):
        return _FAILED if run["status"] == "failed" else _CANCELLED
    return branch_state(run["state"])


def branch_state(name: str) -> Word:
    """Return the word for a state alone."""
    return _STATES.get(name) or Word(title(name), "gray", ":material/help:", "")


def short(run: str) -> str:
    """Return what a run is called where there is little room."""
    return run[:_SHORT]


def value(given: Any) -> str:
    """Return the value of a hyperparameter: small numbers as they were set, words as they are."""
    if isinstance(given, float):
        return f"{given:g}".replace("e-0", "e-")
    return shown(given).lower() if given is None or isinstance(given, bool) else str(given)


def names(declared: Iterable[Hyperparameter]) -> dict[str, str]:
    """Return what people call each hyperparameter."""
    return {one["name"]: label(one) for one in declared}


def in_force(values: Mapping[str, Any], called: Mapping[str, str]) -> dict[str, str]:
    """Return hyperparameters with their values, as both are written."""
    return {called.get(name, title(name)): value(given) for name, given in values.items()}


def moves(changes: Mapping[str, Any], called: Mapping[str, str]) -> list[str]:
    """Return what was changed, one phrase each: `Learning rate 0.1 → 0.01`."""
    return [
        f"{called.get(name, title(name))} {value(one.get('from'))} → {value(one.get('to'))}"
        for name, one in changes.items()
    ]


def where(change: Change) -> str:
    """Return where in the data a change was applied."""
    rows = f", {plural(change['row'], 'row')} into the next" if change["row"] else ""
    return f"after epoch {number(change['epoch'])}{rows}"


def change(one: Change, called: Mapping[str, str]) -> list[str]:
    """Return a change in lines: who and when, then what."""
    head = f"Change {one['number']} by {one['subject']}, {when(one['at'])}, {where(one)}"
    return [head, *moves(one["changes"], called)]


def pending(one: Pending, called: Mapping[str, str]) -> str:
    """Return what somebody told a run that has not done it yet."""
    if one["kind"] == "hyperparameters":
        asked = listing(
            [f"{called.get(name, title(name))} {value(to)}" for name, to in one["changes"].items()]
        )
    elif one["kind"] == "step":
        asked = f"Step of {plural(int(one['changes'].get('epochs') or 1), 'epoch')}"
    else:
        asked = _TOLD.get(one["kind"]) or title(one["kind"])
    return f"{asked}, asked for by {one['subject']}"


def different(values: Mapping[str, Any], base: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """Return the values of these names that are not those in force."""
    return {name: values[name] for name in names if name in values and values[name] != base.get(name)}

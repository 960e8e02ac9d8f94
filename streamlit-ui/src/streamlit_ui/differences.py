"""Differences in words: between two versions of a dataset, and between two versions of a model."""

from collections.abc import Collection
from typing import Any

from streamlit_ui import words
from streamlit_ui.columns import KINDS
from streamlit_ui.contract.types import DatasetDifference, Difference
from streamlit_ui.text import listing, number, percent, plural, title

_MOST_NAMED = 8


def between_files(difference: DatasetDifference) -> list[str]:
    """Return the differences from the previous version, a sentence each."""
    found = []
    rows = difference.get("rows") or {}
    if rows and rows["before"] != rows["after"]:
        more = rows["after"] - rows["before"]
        kind = "more row" if more > 0 else "fewer row"
        found.append(
            f"{plural(abs(more), kind)}: {number(rows['before'])} before, {number(rows['after'])} now."
        )
    for name, said in (("added", "Added"), ("removed", "Removed")):
        if names := difference.get(name):
            found.append(f"{said}: {_named(names)}.")  # type: ignore[arg-type]  # both are lists of names
    for change in difference.get("changed") or []:
        found += [f"{change['column']}: {line}." for line in _of_column(change)]
    return found


def between_versions(difference: Difference, lower_is_better: Collection[str]) -> str:
    """Return how two versions differ by one metric, and whether the difference is significant.

    `lower_is_better` names the metrics of which less is better.
    """
    metric, gap = difference["metric"], difference["difference"]
    name, version, against = words.metric(metric), difference["version"], difference["against"]
    low, high = difference["low"], difference["high"]
    if gap == 0:
        said = f"{name}: versions {version} and {against} are equal"
    else:
        said = (
            f"{name}: version {version} is {number(abs(gap))} {'higher' if gap > 0 else 'lower'} "
            f"than version {against}"
        )
    if low is None or high is None:
        return f"{said}; there are too few rows for a confidence interval."
    interval = f"{percent(difference['level'])} interval {_signed(low)} to {_signed(high)}"
    if low <= 0 <= high:
        return f"{said} ({interval}): these rows cannot tell the two apart."
    better = (gap > 0) != (metric in lower_is_better)
    return f"{said} ({interval}): version {version} is {'better' if better else 'worse'}."


def _of_column(change: dict[str, Any]) -> list[str]:
    found = []
    if kind := change.get("kind"):
        found.append(f"{_kind(kind['before'])} before, {_kind(kind['after'])} now")
    elif kind := change.get("type"):
        found.append(f"holds {kind['after']}s instead of {kind['before']}s")
    for bound, said in (("minimum", "smallest"), ("maximum", "largest")):
        if moved := change.get(bound):
            found.append(f"{said} value {number(moved['before'])} before, {number(moved['after'])} now")
    if moved := change.get("missing_share"):
        found.append(f"missing values {percent(moved['before'], 1)} before, {percent(moved['after'], 1)} now")
    if values := change.get("new_values"):
        found.append(f"new values {_named(values)}")
    if values := change.get("lost_values"):
        found.append(f"values no longer present {_named(values)}")
    for value, moved in list((change.get("shares") or {}).items())[:_MOST_NAMED]:
        found.append(f"“{value}” {percent(moved['before'], 1)} before, {percent(moved['after'], 1)} now")
    return found


def _kind(kind: Any) -> str:
    return KINDS.get(kind, title(str(kind))).lower()


def _named(names: list[Any]) -> str:
    shown = [f"“{name}”" for name in names[:_MOST_NAMED]]
    rest = len(names) - len(shown)
    return listing([*shown, *([f"{rest} more"] if rest else [])])


def _signed(value: float) -> str:
    return ("\N{MINUS SIGN}" if value < 0 else "+" if value > 0 else "") + number(abs(value))

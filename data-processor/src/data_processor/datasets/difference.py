"""How a new file differs from the version before it, in what is known of their columns."""

from collections.abc import Mapping
from typing import Any

MOVED = 0.01
"""Shares of missing values and of classes that moved by less are not worth a line."""


def compare(
    before: Mapping[str, Any], after: Mapping[str, Any], names: Mapping[str, str], version: int
) -> dict[str, Any]:
    """Return what is different in a proposal; `names` are those that columns of the earlier one go by now."""
    old = {names.get(column["name"], column["name"]): column for column in before["columns"]}
    new = {column.get("renamed") or column["name"]: column for column in after["columns"]}
    rows = (before["rows"], after["rows"])
    changes = [
        {"column": name, **changed}
        for name in new
        if name in old and (changed := _changed(old[name], new[name], rows))
    ]
    return {
        "version": version,
        "rows": {"before": rows[0], "after": rows[1]},
        "added": [name for name in new if name not in old],
        "removed": [name for name in old if name not in new],
        "changed": changes,
    }


def _changed(old: Mapping[str, Any], new: Mapping[str, Any], rows: tuple[int, int]) -> dict[str, Any]:
    """Return the facts of one column that are not what they were, each as before and after."""
    found: dict[str, Any] = {}
    for fact in ("type", "kind", "minimum", "maximum"):
        if old.get(fact) != new.get(fact):
            found[fact] = {"before": old.get(fact), "after": new.get(fact)}
    missing = (old["missing"] / rows[0], new["missing"] / rows[1])
    if abs(missing[0] - missing[1]) >= MOVED:
        found["missing_share"] = {"before": round(missing[0], 4), "after": round(missing[1], 4)}
    if old["counts"] and new["counts"] and new["type"] != "number":
        appeared = [value for value in new["counts"] if value not in old["counts"]]
        vanished = [value for value in old["counts"] if value not in new["counts"]]
        moved = _moved(old["counts"], new["counts"])
        lists = (("new_values", appeared), ("lost_values", vanished), ("shares", moved))
        found |= {name: listed for name, listed in lists if listed}
    return found


def _moved(old: Mapping[str, int], new: Mapping[str, int]) -> dict[str, Any]:
    totals = sum(old.values()), sum(new.values())
    shares = {value: (old[value] / totals[0], new[value] / totals[1]) for value in old if value in new}
    return {
        value: {"before": round(was, 4), "after": round(now, 4)}
        for value, (was, now) in shares.items()
        if abs(was - now) >= MOVED
    }

"""How a new file follows the previous version: what it takes over from it, and how it differs."""

from collections.abc import Mapping
from typing import Any

from data_processor.datasets.confirmed import Confirmed, ConfirmedColumn
from data_processor.rows import DatasetUploadRow

MOVED = 0.01
"""Shares of missing values and of classes that changed by less are not reported."""


def carry_over(before: DatasetUploadRow, upload: DatasetUploadRow) -> None:
    """Propose what was confirmed for the previous version, as far as it fits, and say what is different."""
    confirmed = Confirmed.model_validate(before.confirmed)
    types = {column["name"]: column["type"] for column in before.proposal["columns"]}
    columns = []
    for column in upload.proposal["columns"]:
        known = confirmed.columns.get(column["name"])
        if known is not None:
            renamed = known.name if known.name != column["name"] else None
            column = {**column, "renamed": renamed, "nullable": known.nullable}  # noqa: PLW2901
            if _alike(types[column["name"]], column["type"]) and column["distinct"]:
                column |= {"kind": known.kind, "reason": f"As in version {before.version}."}
        columns.append(column)
    target = next(name for name, one in confirmed.columns.items() if one.name == confirmed.target)
    names = {column["name"] for column in columns}
    upload.proposal = {
        **upload.proposal,
        "columns": columns,
        "target": target if target in names else upload.proposal["target"],
    }
    found = upload.proposal.get("holdout")
    if found is not None and confirmed.holdout.by != "row":
        places = {one.name: name for name, one in confirmed.columns.items()}
        same = {"by": confirmed.holdout.by, "column": places.get(confirmed.holdout.column or "")}
        if same["column"] in names:
            reason = f"As in version {before.version}. {found['reason']}"
            upload.proposal["holdout"] = {**found, "suggested": same, "reason": reason}
    upload.difference = difference(before, upload.proposal)


def _alike(one: str, other: str) -> bool:
    """Say whether two types are the same, or both numbers."""
    return one == other or {one, other} == {"integer", "number"}


def difference(before: DatasetUploadRow, proposal: Mapping[str, Any]) -> dict[str, Any]:
    """Return how a proposal differs from the stored file before it."""
    confirmed = Confirmed.model_validate(before.confirmed)
    names = {name: column.name for name, column in confirmed.columns.items()}
    return _compare(as_confirmed(before.proposal, confirmed), proposal, names, before.version or 0)


def as_confirmed(proposal: Mapping[str, Any], confirmed: Confirmed) -> dict[str, Any]:
    """Return a proposal with the names, the kinds and the missing marks that a person confirmed."""
    return {
        **proposal,
        "columns": [
            {
                **_as_read(column, confirmed.columns[column["name"]]),
                "kind": confirmed.columns[column["name"]].kind,
            }
            | {"renamed": confirmed.columns[column["name"]].name}
            for column in proposal["columns"]
        ],
    }


def _as_read(column: Mapping[str, Any], said: ConfirmedColumn) -> Mapping[str, Any]:
    """Return a column's facts, with those texts among its values that stand for no missing one after all."""
    if said.reading is None or said.kind in ("numeric", "datetime") or not column.get("readings"):
        return column
    proposed = column["readings"][0]["reading"]["missing"]
    kept = {
        mark: times
        for mark, times in column["marks"].items()
        if mark in proposed and mark not in said.reading.missing
    }
    counts = {**column["counts"], **kept} if column["counts"] else {}
    return {**column, "missing": column["missing"] - sum(kept.values()), "counts": counts}


def _compare(
    before: Mapping[str, Any], after: Mapping[str, Any], names: Mapping[str, str], version: int
) -> dict[str, Any]:
    """Return what differs in a proposal; `names` are the confirmed names of the earlier one's columns."""
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
    """Return the facts of one column that changed, each before and after."""
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

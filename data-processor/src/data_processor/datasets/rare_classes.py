"""Classes with too few rows to be learnt: refused, left out, or merged into one, as a person says."""

from collections.abc import Mapping

from data_processor.features.preparation import DatasetPreparation

FEWEST_ROWS = 100
"""Rows with a target that training needs: a fifth is held out, and another fifth validates."""
FEWEST_OF_A_CLASS = 10
"""Rows that each class needs."""
NAMED = 5
"""Classes that a sentence names."""


def rare_classes(counts: Mapping[str, int]) -> dict[str, int]:
    """Return the classes that have too few rows, with how many they have."""
    return {label: rows for label, rows in counts.items() if rows < FEWEST_OF_A_CLASS}


def rare_problem(counts: Mapping[str, int], preparation: DatasetPreparation) -> tuple[str, str] | None:
    """Return why classes cannot be learnt, and the field that would change it, if so.

    A table that is too small to be trained on at all may be stored and looked at.
    """
    rare, said = rare_classes(counts), preparation.rare_classes
    if not rare or sum(counts.values()) < FEWEST_ROWS:
        return None
    if said.action == "refuse":
        message = (
            f"{named(rare)}, too few to be learnt: training needs {FEWEST_OF_A_CLASS} of each class. "
            "Leave them out (leave_out), merge them into one class (merge), or add rows."
        )
        return message, "action"
    left, together = counts.keys() - rare.keys(), sum(rare.values())
    if said.action == "merge" and said.into not in left:
        if together < FEWEST_OF_A_CLASS:
            message = (
                f"{named(rare)}: merged, that is fewer than the {FEWEST_OF_A_CLASS} rows that training "
                "needs. Leave them out, or merge them into a class that has enough."
            )
            return message, "into"
        left = {*left, said.into}
    if len(left) < 2:  # noqa: PLR2004  # nothing to tell apart
        return f"{named(rare)}: without them there are no two classes to tell apart.", "action"
    return None


def named(rare: Mapping[str, int]) -> str:
    """Return classes and how many rows they have, in words."""
    parts = [f"{label!r} {_rows(rows)}" for label, rows in list(rare.items())[:NAMED]]
    more = f" and {len(rare) - NAMED} more" if len(rare) > NAMED else ""
    return ("Class " if len(rare) == 1 else "Classes ") + ", ".join(parts) + more


def _rows(count: int) -> str:
    return "has 1 row" if count == 1 else f"has {count} rows"

"""The leak audit of an uploaded table: how much a model seems to know because rows belong together.

For each column that may be a group or a time (`leak_candidates.py`) a quick model answers the rows of ten
folds twice (`leak_measuring.py`): once the folds are of single rows, once of whole groups, or of rows that
are later than all that was fitted. If the loss is much larger the second time, the first shows how well the
model remembers.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from data_processor.datasets.folder import RAW_FILE
from data_processor.datasets.leak_candidates import Measured, find_candidates
from data_processor.datasets.profile import ColumnFacts
from data_processor.runs.context import TaskContext
from data_processor.statistics.phrases import metric_name

NOTHING_FOUND = (
    "No column looks like a group that rows share, or like a time in which they follow each other."
)
NO_TARGET = "Choose what to predict: how rows belong together is looked at for one target."


def audit(context: TaskContext, columns: list[dict[str, Any]], target: str | None) -> dict[str, Any]:
    """Look for columns that tie the rows of the table in this child's folder together."""
    return audit_file(context.path(RAW_FILE), [ColumnFacts(**column) for column in columns], target)


def audit_file(raw: Path, columns: Sequence[ColumnFacts], target: str | None) -> dict[str, Any]:
    """Return what the leak audit of a table says for a target (`datasets/schemas.py: ProposedHoldout`)."""
    if target is None:
        return unmeasured(target, NO_TARGET)
    with pq.ParquetFile(raw) as file:
        rows = file.metadata.num_rows
    candidates = find_candidates(raw, columns, target, rows)
    if not candidates:
        return unmeasured(target, NOTHING_FOUND)
    from data_processor.datasets.leak_measuring import measure  # noqa: PLC0415  # two seconds few uploads need

    return answer(target, measure(raw, columns, target, candidates))


def unmeasured(target: str | None, reason: str) -> dict[str, Any]:
    """Return the answer of an audit that measured nothing, and why."""
    return {"target": target, "suggested": None, "audit": [], "reason": reason}


def answer(target: str, measured: Sequence[Measured]) -> dict[str, Any]:
    """Return what was measured, what is suggested, and the sentences that say so."""
    if not measured:
        return unmeasured(target, NOTHING_FOUND)
    flagged = [one for one in measured if one.growth.flagged]
    worst = max(flagged, key=lambda one: one.growth.after / one.growth.before, default=None)
    return {
        "target": target,
        "suggested": None if worst is None else worst.candidate._asdict(),
        "audit": [
            {
                **one.candidate._asdict(),
                "metric": one.metric,
                "row_split": one.growth.before,
                "this_split": one.growth.after,
                "low": one.growth.low,
                "high": one.growth.high,
                "flagged": one.growth.flagged,
            }
            for one in measured
        ],
        "reason": _nothing(measured) if worst is None else _found(worst),
    }


def _found(one: Measured) -> str:
    column, metric = one.candidate.column, metric_name(one.metric)
    numbers = f"A quick model's {metric} is {one.growth.before:.3g} where single rows are held out, and "
    if one.candidate.by == "group":
        return (
            f"{numbers}{one.growth.after:.3g} where all rows of a {column!r} are: it remembers what it has "
            f"seen of each. If it will be asked about values of {column!r} that are not in this file, hold "
            "out by group; else the first number is what counts."
        )
    return (
        f"{numbers}{one.growth.after:.3g} for rows that are later in {column!r} than all it was fitted to: "
        "it answers from the rows just before and after. If it will be asked about later rows, hold out by "
        "time."
    )


def _nothing(measured: Sequence[Measured]) -> str:
    names = ", ".join(repr(one.candidate.column) for one in measured)
    return (
        f"Rows may belong together by {names}, but a quick model answers them as well where that decides "
        "what is held out: single rows will do."
    )

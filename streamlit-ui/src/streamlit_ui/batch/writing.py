"""The output of a batch, as CSV in which no spreadsheet finds formulas."""

import csv
import io
from collections.abc import Iterable, Sequence

from streamlit_ui.batch.sending import Batch

_FORMULA_STARTS = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
"""What makes a spreadsheet calculate, full-width forms included."""


def answered_csv(batch: Batch) -> bytes:
    """Return the rows that were answered: the file's own columns, then the answer's."""
    classes = sorted(
        {name for answer in batch.answers.values() for name in answer.get("probabilities") or {}}
    )
    with_values = any(answer.get("value") is not None for answer in batch.answers.values())
    added = [
        "prediction_id",
        "predicted_value" if with_values else "predicted_label",
        *(f"probability of {name}" for name in classes),
        "flags",
        "version",
    ]
    return _csv(
        [*batch.table.header, *_unlike(added, batch.table.header)],
        (
            [
                *batch.table.rows[number - 1],
                answer["id"],
                answer.get("value") if with_values else answer.get("label"),
                *((answer.get("probabilities") or {}).get(name) for name in classes),
                "; ".join(answer.get("flags") or []),
                batch.versions[number],
            ]
            for number, answer in sorted(batch.answers.items())
        ),
        batch.table.delimiter,
    )


def faults_csv(batch: Batch) -> bytes:
    """Return what was wrong with the rows that were not answered."""
    faults = sorted(batch.faults, key=lambda fault: fault.row)
    return _csv(
        ["row", "field", "value", "problem"],
        ([fault.row, fault.field, fault.value, fault.message] for fault in faults),
        batch.table.delimiter,
    )


def neutral(cell: object) -> str:
    """Return a cell that a spreadsheet shows and does not run: `=cmd()` becomes `'=cmd()`; numbers stay."""
    text = "" if cell is None else str(cell)
    if not text.startswith(_FORMULA_STARTS):
        return text
    try:
        float(text)
    except ValueError:
        return f"'{text}"
    # `float` forgives white space around a number, a spreadsheet need not.
    return text if text == text.strip() else f"'{text}"


def _csv(header: Sequence[str], rows: Iterable[Sequence[object]], delimiter: str) -> bytes:
    written = io.StringIO(newline="")
    writer = csv.writer(written, delimiter=delimiter, lineterminator="\r\n")
    writer.writerow([neutral(name) for name in header])
    writer.writerows([neutral(cell) for cell in row] for row in rows)
    return written.getvalue().encode()


def _unlike(names: Sequence[str], taken: Sequence[str]) -> list[str]:
    """Return the names, those already in the file with a `_2` behind."""
    return [f"{name}_2" if name in taken else name for name in names]

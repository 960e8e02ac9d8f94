"""How a confirmed column is read: one of the ways that were proposed, by its kind and what a person says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from data_processor.features.cells import usual_text
from data_processor.features.numerals import Mark
from data_processor.features.reading import ALWAYS_MISSING, Reading, Values
from data_processor.features.schema import Kind

NUMERIC_TYPES = ("integer", "number", "boolean")
_NAMED = 5
_AS: Mapping[Kind, tuple[Values, ...]] = {"numeric": ("number", "boolean"), "datetime": ("datetime",)}


class UnsuitableError(ValueError):
    """A column cannot be what a person says it is; `field` is the part of what they say."""

    def __init__(self, message: str, field: str) -> None:
        """Say what is wrong, and with which field."""
        super().__init__(message)
        self.field = field


@dataclass(frozen=True, slots=True)
class Chosen:
    """How a column is read."""

    reading: Reading | None
    """None where it was proposed before there were readings."""
    facts: Mapping[str, Any]
    """What is known of the column when it is read so."""


def choose(
    facts: Mapping[str, Any],
    kind: Kind,
    *,
    missing: Sequence[str] | None = None,
    decimal: Mark | None = None,
    form: str | None = None,
    unreadable: Literal["refuse", "missing"] = "refuse",
) -> Chosen:
    """Return how a column of a kind is read; raises `UnsuitableError`."""
    possible = [(Reading.model_validate(one["reading"]), one) for one in facts.get("readings") or ()]
    if not possible:
        return Chosen(None, _checked_by_type(facts, kind))
    fitting = [pair for pair in possible if pair[0].values in _AS.get(kind, (pair[0].values,))]
    if not fitting or (kind == "text" and facts["type"] != "text"):
        raise UnsuitableError(_why_not(kind, facts), "kind")
    if decimal is not None:
        fitting = [pair for pair in fitting if pair[0].values == "number" and pair[0].decimal == decimal]
        if not fitting:
            raise UnsuitableError(f"Its cells are no numbers with the decimal mark {decimal!r}.", "decimal")
    if form is not None:
        formats = [reading.format for reading, _ in possible if reading.format]
        fitting = [pair for pair in fitting if pair[0].format == form]
        if not fitting:
            fit = f"; those that fit are {', '.join(formats)}" if formats else ""
            raise UnsuitableError(f"Its cells are no dates in the format {form!r}{fit}.", "format")
    reading, found = fitting[0]
    if kind == "text":
        reading = usual_text(kind)
    if missing is not None:
        reading = reading.model_copy(
            update={"missing": tuple(dict.fromkeys(mark.strip() for mark in missing))}
        )
    marks: Mapping[str, int] = facts.get("marks") or {}
    kept = {mark: times for mark, times in marks.items() if mark not in reading.missing}
    if kind in _AS:
        _check_readable(reading, found, kept, kind, unreadable)
    return Chosen(reading, _facts(facts, reading, kept, kind))


def _check_readable(
    reading: Reading,
    found: Mapping[str, Any],
    kept: Mapping[str, int],
    kind: Kind,
    unreadable: Literal["refuse", "missing"],
) -> None:
    """Raise `UnsuitableError` for cells that cannot be read, unless they are to be missing."""
    nothing = {*reading.missing, *ALWAYS_MISSING}
    cells = [cell for cell in found["cells"] if cell["text"] not in nothing]
    count = found["unreadable"] + sum(kept.values())
    count -= sum(times for text, times in (found.get("texts") or {}).items() if text in nothing)
    if not count or unreadable == "missing":
        return
    named = [f"{cell['text']!r} in row {cell['row']}" for cell in cells[:_NAMED]]
    named += [f"{mark!r} {times} times" for mark, times in list(kept.items())[: _NAMED - len(named)]]
    more = f" and {count - len(cells[:_NAMED])} more" if not kept and count > _NAMED else ""
    what = "number" if kind == "numeric" else f"date in the format {reading.format}"
    cells_are = "One cell is" if count == 1 else f"{count} cells are each"
    raise UnsuitableError(
        f"{cells_are} no {what}: {', '.join(named)}{more}. Say that such cells are missing (unreadable: "
        "missing, or list them under missing), correct the file, or choose another kind.",
        "unreadable",
    )


def _why_not(kind: Kind, facts: Mapping[str, Any]) -> str:
    example = facts["examples"][0] if facts["examples"] else None
    if kind == "datetime":
        return f"It cannot be datetime: {example!r} is not a date. Write dates as 2026-01-31."
    if kind == "text":
        return (
            f"It cannot be text: it contains {facts['type']} values such as {example!r}. Choose "
            "categorical if each value is a name for something."
        )
    return (
        f"It cannot be numeric: it contains {facts['type']} values such as {example!r}. Choose another kind."
    )


def _checked_by_type(facts: Mapping[str, Any], kind: Kind) -> Mapping[str, Any]:
    """Return the facts of a column that was proposed before there were readings."""
    if kind == "numeric" and facts["type"] not in NUMERIC_TYPES:
        raise UnsuitableError(_why_not(kind, facts), "kind")
    if kind == "datetime" and facts["type"] != "datetime":
        raise UnsuitableError(_why_not(kind, facts), "kind")
    return facts


def _facts(
    facts: Mapping[str, Any], reading: Reading, kept: Mapping[str, int], kind: Kind
) -> Mapping[str, Any]:
    """Return what is known of a column when it is read so: some texts that were missing may be values."""
    first = Reading.model_validate(facts["readings"][0]["reading"])
    restored = {mark: times for mark, times in kept.items() if mark in first.missing}
    changed = dict(facts)
    if reading.values != first.values:
        changed["type"] = reading.values
    if (
        kind not in _AS
    ):  # every text is a value of its own: also what is no number, or the same number as another
        unreadable = facts["readings"][0]["unreadable"]
        changed["missing"] = facts["missing"] - sum(restored.values()) - unreadable
        changed["distinct"] = facts["distinct"] + facts.get("alike", 0) + len(restored) + bool(unreadable)
        if restored and (facts["counts"] or not facts["distinct"]):
            changed["counts"] = {**facts["counts"], **restored}
    return changed

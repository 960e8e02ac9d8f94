"""Logs of runs, parsed: entries with their timestamp and level, and which of them to show."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_ENTRY = re.compile(r"^(\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)) +(?:([A-Z]+)\b)?", re.MULTILINE)
LEVELS: dict[str, frozenset[str] | None] = {
    "Everything": None,
    "Warnings and errors": frozenset({"WARNING", "ERROR"}),
    "Errors": frozenset({"ERROR"}),
    "Steps": frozenset({"STATUS", "STEP"}),
    "Measured values": frozenset({"METRIC"}),
}


@dataclass(frozen=True)
class Entry:
    """One entry of a log; a traceback makes it several lines."""

    at: str
    """RFC 3339 in UTC: entries in the order of these texts are in the order of time."""
    level: str
    """INFO, WARNING, ERROR, STEP, STATUS, METRIC …"""
    text: str
    """The whole entry, timestamp and level included."""
    run: str = ""

    def line(self, *, named: bool) -> str:
        """Return the entry as it is shown; `named` puts the run it belongs to in front."""
        return f"[{self.run}] {self.text}" if named else self.text


def entries(log: str, run: str = "") -> list[Entry]:
    """Parse a log; text before the first timestamp is kept as an entry of its own."""
    starts = list(_ENTRY.finditer(log))
    found = []
    if before := log[: starts[0].start() if starts else None].strip():
        found.append(Entry("", "", before, run))
    ends = [*(match.start() for match in starts), len(log)][1:]
    for start, end in zip(starts, ends, strict=True):
        text = log[start.start() : end].rstrip()
        found.append(Entry(start.group(1), start.group(2) or "", text, run))
    return found


def select(found: Iterable[Entry], level: str, wanted: str) -> list[Entry]:
    """Return the entries of a level that contain a text, whatever its case."""
    kept, sought = LEVELS[level], wanted.strip().lower()
    return [
        entry
        for entry in found
        if (kept is None or entry.level in kept) and (not sought or sought in entry.text.lower())
    ]


def merged(logs: Iterable[Sequence[Entry]]) -> list[Entry]:
    """Return the entries of several runs in the order of their timestamps."""
    return sorted((entry for log in logs for entry in log), key=lambda entry: entry.at)

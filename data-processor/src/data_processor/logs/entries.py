"""The newest lines that the services of a stage logged, read from their files.

The files are those of `LOG_DIR` or, on one machine, what `make run` keeps of each process. Only their ends
are read, a bounded part of each, so that asking for a log costs the same however long it is.
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args

Level = Literal["debug", "info", "warning", "error", "critical"]
LEVELS: tuple[Level, ...] = get_args(Level)

TAIL_BYTES = 512 * 1024
"""As much of each file as is read, from its end."""
MOST_FILES = 32
"""The most files that are read, those first that were written to last."""
MOST_CHARACTERS = 4000
"""The most characters of one entry that are returned."""

_NUMBER = re.compile(r"-\d+$")
_STARTS = re.compile(
    r"(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)?)\s+(?:\[\s*(\w+)\s*\])?"
)
_LEVEL = re.compile(r"\b(DEBUG|INFO|WARNING|WARN|ERROR|CRITICAL)\b")
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True, slots=True)
class Entry:
    """One event in a log; a traceback makes it several lines."""

    service: str
    at: str | None
    """As the service wrote it, RFC 3339; None for lines of programs that write no time."""
    level: Level
    text: str


def services(folder: Path) -> list[str]:
    """Return the services that have a log in a folder, by name."""
    return sorted({service_of(file) for file in _files(folder)})


def newest(folder: Path, *, service: str | None, level: Level, containing: str, limit: int) -> list[Entry]:
    """Return the newest entries, oldest first: of a service, at least this severe, with a text in them."""
    wanted, sought = LEVELS[LEVELS.index(level) :], containing.lower()
    found: list[tuple[str, int, Entry]] = []
    for file in _files(folder):
        if service in (None, service_of(file)):
            last = ""
            for number, entry in enumerate(_entries(file)):
                last = entry.at or last  # what has no time stands behind what was written before it
                if entry.level in wanted and sought in entry.text.lower():
                    found.append((last, number, entry))
    found.sort(key=lambda one: one[:2])
    return [replace(entry, text=entry.text[:MOST_CHARACTERS]) for _, _, entry in found[-limit:]]


def service_of(file: Path) -> str:
    """Return whose log a file is: `data-processor-serve-1.log` is one of data-processor-serve's."""
    return _NUMBER.sub("", file.stem)


def _files(folder: Path) -> list[Path]:
    """Return the files in a folder that are being written to; no link is followed out of it."""
    try:
        files = [file for file in folder.glob("*.log") if file.is_file() and not file.is_symlink()]
        files.sort(key=lambda file: file.stat().st_mtime, reverse=True)
    except OSError:
        return []
    return files[:MOST_FILES]


def _entries(file: Path) -> Iterator[Entry]:
    entry: Entry | None = None
    for line in _tail(file):
        read = _start(service_of(file), line)
        if read is None and entry is not None:
            if len(entry.text) < MOST_CHARACTERS:
                entry = replace(entry, text=f"{entry.text}\n{line}")
            continue
        if entry is not None:
            yield entry
        entry = read or Entry(service_of(file), None, "info", line)
    if entry is not None:
        yield entry


def _tail(file: Path) -> Iterable[str]:
    """Return the last lines of a file, without what moves a cursor or hides text."""
    try:
        with file.open("rb") as opened:
            size = opened.seek(0, 2)
            opened.seek(max(size - TAIL_BYTES, 0))
            lines = opened.read(TAIL_BYTES).decode(errors="replace").split("\n")
    except OSError:  # it was rotated away just now
        return []
    whole = lines[1:] if size > TAIL_BYTES else lines
    return [_CONTROL.sub("�", _COLOURS.sub("", line.rstrip("\r"))) for line in whole if line.strip()]


def _start(service: str, line: str) -> Entry | None:
    """Return the entry that a line begins, or None if it continues the one before."""
    if line.startswith("{"):
        try:
            return _from_json(service, json.loads(line))
        except (ValueError, AttributeError):
            pass  # a line of another program that happens to begin like this
    if match := _STARTS.match(line):
        return Entry(service, match[1].replace(" ", "T"), _level(match[2] or _named(line)), line)
    if line[0].isspace():
        return None
    return Entry(service, None, _level(_named(line)), line)


def _from_json(service: str, event: dict[str, Any]) -> Entry:
    at, level = str(event.get("timestamp") or "") or None, _level(str(event.get("level", "")))
    rest = {
        name: value
        for name, value in event.items()
        if name not in ("timestamp", "level", "event", "service", "stage", "exception")
    }
    facts = " ".join(f"{name}={value}" for name, value in rest.items())
    said = f"{at or ''} [{level}] {event.get('event', '')} {facts}".strip()
    if event.get("exception"):
        said += f"\n{event['exception']}"
    return Entry(service, at, level, said)


def _named(line: str) -> str:
    match = _LEVEL.search(line[:200])
    return match[1] if match else "info"


def _level(name: str) -> Level:
    lower = name.lower()
    short: dict[str, Level] = {"warn": "warning", "fatal": "critical", "exception": "error"}
    return next((level for level in LEVELS if level == lower), short.get(lower, "info"))

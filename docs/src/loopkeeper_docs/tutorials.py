"""The shell blocks of tutorials, played as a reader would: one after the other, in one shell.

A block fenced as `bash` is a step. A block fenced as `text` right after it is what the step promises to
print, line by line, with `…` for whatever differs from one machine to the next.
"""

import os
import re
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

FENCED = re.compile(r"^```(?P<kind>bash|text)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
DONE = "\x1e"
"""Printed after each step; no program of a tutorial prints it."""
WHATEVER = "…"


@dataclass(frozen=True)
class Step:
    """One block of commands, and what it promises to print."""

    place: str
    """Page and line, as an editor understands them."""
    commands: str
    promised: str | None


@dataclass(frozen=True)
class Outcome:
    """What became of one step."""

    step: Step
    printed: str
    finished: bool

    @property
    def failure(self) -> str | None:
        """Say what is wrong, if anything is."""
        if not self.finished:
            return f"{self.step.place}: a command failed in\n{self.step.commands}\nIt printed\n{self.printed}"
        if self.step.promised is not None and not keeps(self.step.promised, self.printed):
            return f"{self.step.place}: it promises\n{self.step.promised}\nand printed\n{self.printed}"
        return None


def steps(page: Path) -> list[Step]:
    """Return a page's steps in order; raise ValueError for a promise without a step."""
    text = page.read_text()
    found: list[Step] = []
    end_of_step = -1
    for block in FENCED.finditer(text):
        place = f"{page.name}:{text.count(chr(10), 0, block.start()) + 1}"
        if block["kind"] == "bash":
            found.append(Step(place, block["body"], None))
            end_of_step = block.end()
        elif text[end_of_step : block.start()].strip() or not found or found[-1].promised is not None:
            raise ValueError(f"{place}: what is promised must stand right after the step that prints it.")
        else:
            found[-1] = Step(found[-1].place, found[-1].commands, block["body"])
    return found


def keeps(promised: str, printed: str) -> bool:
    """Return whether what was printed is what was promised, `…` being anything within a line."""
    wanted, found = promised.strip().splitlines(), printed.strip().splitlines()
    return len(wanted) == len(found) and all(map(_matches, wanted, found))


def play(
    played: Sequence[Step], folder: Path, environment: Mapping[str, str], timeout_s: float
) -> list[Outcome]:
    """Play steps in one bash from a folder; those that were not reached are not among the outcomes.

    Whatever the steps leave running is ended at the end.
    """
    script = "set -euo pipefail\n" + "".join(f"{step.commands}printf '{DONE}'\n" for step in played)
    shell = subprocess.Popen(
        ["bash", "-c", script],  # noqa: S607  # the reader's bash
        cwd=folder,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        printed, _ = shell.communicate(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        _end(shell)
        printed, _ = shell.communicate()
        printed += f"\nIt was ended after {timeout_s:g} s."
    finally:
        _end(shell)
    return list(_outcomes(played, printed))


def _outcomes(played: Sequence[Step], printed: str) -> Iterator[Outcome]:
    parts = printed.split(DONE)
    for index, step in enumerate(played[: len(parts)]):
        yield Outcome(step, parts[index], finished=index < len(parts) - 1)


def _matches(promised: str, printed: str) -> bool:
    pattern = ".*".join(map(re.escape, promised.rstrip().split(WHATEVER)))
    return re.fullmatch(pattern, printed.rstrip()) is not None


def _end(shell: subprocess.Popen[str]) -> None:
    try:
        os.killpg(shell.pid, signal.SIGTERM)
    except ProcessLookupError:
        return

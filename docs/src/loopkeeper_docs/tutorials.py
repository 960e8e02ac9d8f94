"""The shell blocks of tutorials, run as a reader would: one after the other, in one shell.

A block fenced as `bash` is a step. A block fenced as `text` right after it is the output that the step must
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
END_OF_STEP = "\x1e"
"""Printed after each step; no program of a tutorial prints it."""
ANYTHING = "…"


@dataclass(frozen=True)
class Step:
    """One block of commands, and the output it must have."""

    place: str
    """Page and line, in the form that editors understand."""
    commands: str
    expected: str | None


@dataclass(frozen=True)
class Outcome:
    """The result of one step."""

    step: Step
    output: str
    finished: bool

    @property
    def failure(self) -> str | None:
        """Return what is wrong, if anything is."""
        if not self.finished:
            return (
                f"{self.step.place}: a command failed in\n{self.step.commands}\nIts output was\n{self.output}"
            )
        if self.step.expected is not None and not matches(self.step.expected, self.output):
            return f"{self.step.place}: expected\n{self.step.expected}\nand the output was\n{self.output}"
        return None


def steps(page: Path) -> list[Step]:
    """Return a page's steps in order; raise ValueError for an expected output without a step."""
    text = page.read_text()
    found: list[Step] = []
    end_of_step = -1
    for block in FENCED.finditer(text):
        place = f"{page.name}:{text.count(chr(10), 0, block.start()) + 1}"
        if block["kind"] == "bash":
            found.append(Step(place, block["body"], None))
            end_of_step = block.end()
        elif text[end_of_step : block.start()].strip() or not found or found[-1].expected is not None:
            raise ValueError(f"{place}: the expected output must come right after the step that prints it.")
        else:
            found[-1] = Step(found[-1].place, found[-1].commands, block["body"])
    return found


def matches(expected: str, output: str) -> bool:
    """Return whether the output is as expected, `…` standing for anything within a line."""
    wanted, found = expected.strip().splitlines(), output.strip().splitlines()
    return len(wanted) == len(found) and all(map(_line_matches, wanted, found))


def run(
    to_run: Sequence[Step], folder: Path, environment: Mapping[str, str], timeout_s: float
) -> list[Outcome]:
    """Run steps in one bash in a folder; steps that were not reached are not among the outcomes.

    Whatever the steps leave running is terminated at the end.
    """
    script = "set -euo pipefail\n" + "".join(f"{step.commands}printf '{END_OF_STEP}'\n" for step in to_run)
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
        output, _ = shell.communicate(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        _terminate(shell)
        output, _ = shell.communicate()
        output += f"\nIt was terminated after {timeout_s:g} s."
    finally:
        _terminate(shell)
    return list(_outcomes(to_run, output))


def _outcomes(to_run: Sequence[Step], output: str) -> Iterator[Outcome]:
    parts = output.split(END_OF_STEP)
    for index, step in enumerate(to_run[: len(parts)]):
        yield Outcome(step, parts[index], finished=index < len(parts) - 1)


def _line_matches(expected: str, output: str) -> bool:
    pattern = ".*".join(map(re.escape, expected.rstrip().split(ANYTHING)))
    return re.fullmatch(pattern, output.rstrip()) is not None


def _terminate(shell: subprocess.Popen[str]) -> None:
    try:
        os.killpg(shell.pid, signal.SIGTERM)
    except ProcessLookupError:
        return

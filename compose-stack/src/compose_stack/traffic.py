"""Synthetic rows with their true labels, made by the data-processor's own command."""

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from compose_stack.settings import ROOT, CannotStart

MODEL = "census-income"
"""The sample model, the only one whose rows can be generated."""


@dataclass(frozen=True)
class Labelled:
    """One input and its true label."""

    inputs: Mapping[str, Any]
    truth: str


def sample_rows(count: int, seed: int, drift: float) -> list[Labelled]:
    """Return `count` rows of the world with `drift` (0: as in training, 1: a very different one)."""
    program = ROOT / "data-processor" / ".venv" / "bin" / "data-processor"
    made = subprocess.run(
        [program, "sample-rows", "--n", str(count), "--seed", str(seed), "--drift", str(drift)],
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode:
        raise CannotStart(f"`{program.name} sample-rows` failed: {made.stderr.strip()[-500:]}")
    return [Labelled(row["inputs"], row["label"]) for row in map(json.loads, made.stdout.splitlines())]

"""A large table on its way from a file to the warehouse: the time it takes, and the peak memory.

`make bench` includes it; to run it alone on a fresh instance: `python -m compose_stack.benchmarks.uploading
[ROWS]`.
"""

import itertools
import random
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil

from compose_stack.benchmarks.memory import MIB
from compose_stack.benchmarks.single_row import WrongAnswer
from compose_stack.client import Client
from compose_stack.instance import Instance

ROWS = 1_000_000
SEED = 17
DATASET = "large-table"
TARGET = "outcome"
SAMPLE_S = 0.2
PATIENCE_S = 900.0
CHILDREN = "data_processor."
"""The worker's child processes run a module of this package; the services run their own programs."""
PLANS = ("basic", "basic", "full", "full", "")
WORDS = ("north", "south", "harbour", "station", "market", "garden", "bridge", "river", "tower", "meadow")


@dataclass
class Stored:
    """How the upload of one table went."""

    megabytes: float
    proposed_s: float
    """From the first byte of the upload to the proposal."""
    stored_s: float
    """From the confirmation to a version in the warehouse."""
    children_mib: float = 0
    """Peak memory of the processes that read and store it, together."""
    platform_mib: float = 0
    """Peak memory of the whole platform."""

    @property
    def seconds(self) -> float:
        """Everything except the time a person takes to confirm."""
        return self.proposed_s + self.stored_s


def measure(instance: Instance, client: Client, path: Path) -> Stored:
    """Upload, confirm and store a table; raise `TimeoutError` if that takes too long."""
    with _peak(instance) as peak:
        began = time.monotonic()
        with path.open("rb") as file:
            client.call(
                "POST",
                "/v1/datasets",
                data={"name": DATASET},
                files={"file": (path.name, file)},
                timeout=PATIENCE_S,
            )
        proposed = time.monotonic()
        client.call("PUT", f"/v1/datasets/{DATASET}/schema", json={"target": TARGET})
        while (found := client.call("GET", f"/v1/datasets/{DATASET}"))["state"] == "storing":
            if time.monotonic() - proposed > PATIENCE_S:
                raise TimeoutError("The table was not stored in time.")
            time.sleep(SAMPLE_S)
        stored = time.monotonic()
    if found["state"] != "ready":
        raise WrongAnswer(f"The table was not stored: {found['error']}")
    if not peak["children"]:
        raise WrongAnswer(f"No process that runs a module of {CHILDREN}* was seen: its memory is unknown.")
    size = path.stat().st_size / 1e6
    return Stored(size, proposed - began, stored - proposed, peak["children"] / MIB, peak["platform"] / MIB)


def write_table(path: Path, rows: int = ROWS) -> None:
    """Write a CSV with 15 columns of every kind, about 300 bytes per row: the same rows every time."""
    draw = random.Random(SEED)  # noqa: S311  # a table, not a secret
    first = datetime(2020, 1, 1, tzinfo=UTC)
    days = [(first + timedelta(days=day)).date().isoformat() for day in range(2000)]
    with path.open("w", encoding="utf-8") as file:
        file.write(
            "id,age,income,balance,rate,visits,city,segment,plan,code,joined,seen,active,remark,outcome\n"
        )
        for number in range(rows):
            score = draw.random()
            remark = " ".join(draw.choices(WORDS, k=25))
            file.write(
                f"{number * 7},{18 + number % 70},{draw.gauss(50_000, 9_000):.2f},{draw.gauss(0, 1):.12f},"
                f"{score:.15f},{draw.randrange(900)},{draw.choice(WORDS)},segment {number % 13},"
                f"{PLANS[int(score * len(PLANS))]},K{draw.randrange(10**9):010},"
                f"{draw.choice(days)},{draw.choice(days)} 12:{number % 60:02}:00,{number % 2},{remark},"
                f"{'yes' if score + draw.random() > 1 else 'no'}\n"
            )


@contextmanager
def _peak(instance: Instance) -> Iterator[dict[str, float]]:
    """Sample the memory of the instance's processes, and keep the peaks."""
    most = {"children": 0.0, "platform": 0.0}
    done = threading.Event()

    def sample() -> None:
        while not done.wait(SAMPLE_S):
            sizes = [_size(process) for process in instance.processes()]
            most["children"] = max(most["children"], sum(size for size, child in sizes if child))
            most["platform"] = max(most["platform"], sum(size for size, _ in sizes))

    thread = threading.Thread(target=sample, daemon=True)
    thread.start()
    try:
        yield most
    finally:
        done.set()
        thread.join()


def is_child(command: Sequence[str]) -> bool:
    """Return whether a command line is that of a process that reads or stores tables."""
    return any(
        option == "-m" and module.startswith(CHILDREN) for option, module in itertools.pairwise(command)
    )


def _size(process: psutil.Process) -> tuple[float, bool]:
    """Return the proportional set size of a process, and whether it is one that reads or stores tables."""
    try:
        return float(process.memory_full_info().pss), is_child(process.cmdline())
    except psutil.Error:
        return 0.0, False


def main(arguments: list[str]) -> int:
    """Measure it on a fresh instance, and print the figures."""
    rows = int(arguments[0]) if arguments else ROWS
    with tempfile.TemporaryDirectory(prefix="loopkeeper-upload-") as folder:
        path = Path(folder) / "table.csv"
        write_table(path, rows)
        instance = Instance(Path(folder) / "var")
        with instance, instance.sign_in() as client:
            found = measure(instance, client, path)
            run: Any = client.call("GET", f"/v1/runs?dataset={DATASET}&kind=dataset")[0]
            steps = client.run(run["id"])["steps"]
    say(f"{rows} rows of 15 columns, {found.megabytes:.0f} MB")
    say(f"uploaded and proposed in {found.proposed_s:.1f} s, stored in {found.stored_s:.1f} s")
    say(", ".join(f"{step['step']} {step['seconds']:.1f} s" for step in steps))
    say(f"{found.seconds:.1f} s in total")
    say(f"peak memory of the processes that read and store it: {found.children_mib:.0f} MiB (PSS)")
    say(f"peak memory of the whole platform: {found.platform_mib:.0f} MiB (PSS)")
    return 0


def say(line: str) -> None:
    """Print a line."""
    sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

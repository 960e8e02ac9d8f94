"""Measure everything that has a target, on a fresh instance with default settings, and write the page."""

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from rich.console import Console

from compose_stack.benchmarks import bulk, machine, memory, telemetry, uploading, watching
from compose_stack.benchmarks.peers import running
from compose_stack.benchmarks.recorded import artefact_of, count_predictions
from compose_stack.benchmarks.report import Report
from compose_stack.benchmarks.single_row import Target, WrongAnswer, measure_all
from compose_stack.client import Client, Refused
from compose_stack.instance import Instance
from compose_stack.loop import Loop, LoopStaysOpen
from compose_stack.people import People
from compose_stack.settings import ROOT, CannotStart
from compose_stack.traffic import MODEL, Labelled, sample_rows

PAGE = ROOT / "docs" / "benchmarks.md"
SEED = 11
WARM_STARTS = 3
PEOPLE = 16
SHIFTED_ROWS = 3000
BUDGET_S = 5
CONNECTIONS_OF_RATE = 8
TIMES_FASTER = 10
MIB_ALLOWED = 1.2e9 / memory.MIB
TIMES_WITH_TELEMETRY = 1.05
TIMES_WITH_WATCHERS = 1.05
MS_TO_WATCHERS = 300
SECONDS_FOR_TABLE = 180
MIB_FOR_TABLE = 1.5e9 / memory.MIB

Part = Callable[[Instance, Report, Path], None]

console = Console(width=None if sys.stdout.isatty() else 120)


def main() -> int:
    """Run the benchmarks; return 1 if a target is missed."""
    parts: dict[str, Part] = {
        "loop": measure_loop,
        "warm-start": measure_warm_start,
        "predictions": measure_predictions,
        "watching": measure_watching,
        "telemetry": measure_telemetry,
        "upload": measure_upload,
    }
    parser = argparse.ArgumentParser(prog="make bench", description=(__doc__ or "").strip())
    parser.add_argument("--only", choices=list(parts), action="append", help="this part; no page is written")
    only: list[str] = parser.parse_args().only or []
    report = Report(machine.describe())
    loop_before = machine.loop_seconds()
    with tempfile.TemporaryDirectory(prefix="loopkeeper-bench-") as folder:
        instance = Instance(Path(folder) / "var", command=("make", "--no-print-directory", "run"))
        try:
            tell(f"first start: {instance.start():.1f} s")
            for name in only or parts:
                parts[name](instance, report, Path(folder))
        except (CannotStart, LoopStaysOpen, Refused, TimeoutError, WrongAnswer) as error:
            tell(f"The benchmarks were not completed. {error}")
            return 1
        finally:
            instance.stop()
    report.notes.append(
        f"Speed of one core: ten million additions in a Python loop took {loop_before:.2f} s before and "
        f"{machine.loop_seconds():.2f} s after."
    )
    report.show(console)
    if not only:
        PAGE.parent.mkdir(exist_ok=True)
        PAGE.write_text(report.markdown())
        tell(f"wrote {PAGE}")
    return 0 if all(figure.met for figure in report.figures) else 1


def measure_loop(instance: Instance, report: Report, _folder: Path) -> None:
    """Let the score fall, time the way to a new version, then measure the memory of all processes."""
    with instance.sign_in() as admin, People(admin, PEOPLE) as people:
        policy = admin.model(MODEL)["policy"]
        admin.set_policy(MODEL, budget_s=BUDGET_S, cooldown_s=0)
        rows = sample_rows(SHIFTED_ROWS, SEED, 1.0)
        loop = Loop(admin, people, tell)
        fall = loop.fall_and_recover(rows, loop.answering_version(rows[0]))
        admin.set_policy(MODEL, budget_s=policy["budget_s"], cooldown_s=policy["cooldown_s"])
    what = f"from the triggering feedback to the new version serving, budget_s {BUDGET_S}"
    report.add(what, fall.seconds, "s", 20)
    report.steps = fall.run.steps
    report.memory = memory.shares(instance)
    together = sum(share.mib for share in report.memory)
    report.add("memory of the default processes after one retrain", together, "MiB", MIB_ALLOWED)


def measure_warm_start(instance: Instance, report: Report, _folder: Path) -> None:
    """Stop and start the instance a few times."""
    seconds: list[float] = []
    for _ in range(WARM_STARTS):
        instance.stop()
        seconds.append(instance.start())
        tell(f"warm start: {seconds[-1]:.1f} s")
    report.add("`make run`, warm, to ready", statistics.median(seconds), "s", 20)


def measure_predictions(instance: Instance, report: Report, folder: Path) -> None:
    """Compare single rows with the peers, send many at once, and count what is recorded."""
    rows = whole_rows()
    with ExitStack() as running_now:
        admin = running_now.enter_context(instance.sign_in())
        described = admin.model(MODEL)
        before = count_predictions(instance)
        expected = labels(admin, rows)
        running.prepare(artefact_of(instance, described["version"]), folder)
        ours = our_target("Loopkeeper", admin, rows)
        plain_rows = [in_order(row, described["schema"]) for row in rows]
        mlflow = Target(
            "mlflow models serve, 2 workers",
            running_now.enter_context(running.mlflow_models_serve(folder)),
            {},
            [json.dumps({"dataframe_records": [row]}) for row in plain_rows],
            lambda answer: str(answer["predictions"][0]),
        )
        plain = Target(
            "FastAPI + joblib, 2 workers",
            running_now.enter_context(running.plain_endpoint(folder)),
            {},
            [json.dumps(row) for row in plain_rows],
            lambda answer: str(answer["label"]),
        )
        measure_all([ours, mlflow, plain], expected, tell)
        report.targets = (ours, mlflow, plain)
        per_second, answered = bulk.rows_per_second(admin, sample_rows(bulk.ROWS, SEED + 2, 0.0))
        recorded = count_predictions(instance) - before
        acknowledged = len(rows) + ours.acknowledged + answered
    if recorded != acknowledged:
        raise WrongAnswer(f"{acknowledged} predictions were acknowledged, but {recorded} are recorded.")
    report.notes.append(
        f"Every answer was checked for status 200, and one in fifty for its label; {acknowledged} "
        f"predictions by Loopkeeper were acknowledged and {recorded} are recorded."
    )
    _compare(report, ours, (mlflow, plain))
    report.add(f"{bulk.ROWS} rows in one request", per_second, "recorded rows/s", 20_000, at_least=True)


def measure_watching(instance: Instance, report: Report, _folder: Path) -> None:
    """Let a live run learn with watchers and without."""
    with instance.sign_in() as admin:
        found = watching.measure(instance, admin, MODEL, tell)
    count = watching.WATCHERS
    report.add(f"from an event of a live run to {count} watchers, 95 %", found.late_ms, "ms", MS_TO_WATCHERS)
    for what, cost in (("time", found.time), ("CPU", found.cpu)):
        report.add(
            f"{what} of an epoch with {count} watchers, against without",
            cost.value,
            "times",
            TIMES_WITH_WATCHERS,
            interval=(cost.low, cost.high),
        )


def measure_telemetry(instance: Instance, report: Report, folder: Path) -> None:
    """Compare the instance with a twin that exports traces and logs."""
    rows = whole_rows()
    instance.stop()
    with telemetry.observed(instance, folder) as twin:
        instance.start()
        with instance.sign_in() as admin, twin.sign_in() as admin_of_twin:
            cost = telemetry.measure(
                (instance, our_target("without telemetry", admin, rows)),
                (twin, our_target("with telemetry", admin_of_twin, rows)),
                labels(admin, rows),
                tell,
            )
    for what, found in (("time", cost.time), ("CPU", cost.cpu)):
        report.add(
            f"{what} of a prediction with telemetry, against without",
            found.value,
            "times",
            TIMES_WITH_TELEMETRY,
            interval=(found.low, found.high),
        )


def whole_rows() -> list[Labelled]:
    """Return rows in which no value is missing."""
    rows = sample_rows(600, SEED + 1, 0.0)
    return [row for row in rows if all(value is not None for value in row.inputs.values())]


def our_target(name: str, admin: Client, rows: Sequence[Labelled]) -> Target:
    """Return the gateway that somebody is signed in to, as a server under test."""
    return Target(
        name,
        f"{admin.url}/v1/models/{MODEL}/predictions",
        {"Authorization": admin.authorization},
        [json.dumps({"inputs": [row.inputs]}) for row in rows],
        lambda answer: str(answer["predictions"][0]["label"]),
    )


def measure_upload(instance: Instance, report: Report, folder: Path) -> None:
    """Time a large table on its way into the warehouse, and measure the memory that it takes."""
    path = folder / "table.csv"
    uploading.write_table(path)
    with instance.sign_in() as admin:
        found = uploading.measure(instance, admin, path)
    path.unlink()
    what = (
        f"{uploading.ROWS} rows of 15 columns ({found.megabytes:.0f} MB of CSV) uploaded, versioned, in SQL"
    )
    report.add(what, found.seconds, "s", SECONDS_FOR_TABLE)
    report.add("peak memory of the processes that do that", found.children_mib, "MiB", MIB_FOR_TABLE)


def labels(client: Client, rows: Sequence[Labelled]) -> list[str]:
    """Return the label that the served version predicts for each row, all in one request."""
    answer: dict[str, Any] = client.predict(MODEL, [row.inputs for row in rows])
    return [str(prediction["label"]) for prediction in answer["predictions"]]


def in_order(row: Labelled, schema: dict[str, Any]) -> dict[str, Any]:
    """Return a row in the order of the bare pipeline: numeric columns first, then the others."""
    properties = schema["properties"]
    numeric = [name for name, column in properties.items() if column["x-kind"] == "numeric"]
    others = [name for name in properties if name not in numeric]
    return {name: row.inputs[name] for name in (*numeric, *others)}


def tell(line: str) -> None:
    """Print a line of progress."""
    console.print(f"{time.strftime('%H:%M:%S')} {line}", markup=False, highlight=False, soft_wrap=True)


def _compare(report: Report, ours: Target, peers: Sequence[Target]) -> None:
    rate = ours.median(CONNECTIONS_OF_RATE, "per_second")
    for peer in peers:
        times = rate / peer.median(CONNECTIONS_OF_RATE, "per_second")
        what = f"requests/s at {CONNECTIONS_OF_RATE} connections, against {peer.name}"
        report.add(what, times, "times", TIMES_FASTER, at_least=True)
    report.add("p50 at 1 connection", ours.median(1, "p50"), "ms", 1.5)
    report.add("p99 at 32 connections", ours.median(32, "p99"), "ms", 20)


if __name__ == "__main__":
    sys.exit(main())

import inspect
import re
import signal
import subprocess
import sys
from pathlib import Path

from dbos import DBOS

import data_processor

WORKER = """
import os, signal, sys, time
from dbos import DBOS
from data_processor.runs.workflows import Workflows, end_of, take_over

url, name, journal = sys.argv[1:]
workflows = Workflows(url, name)


def note(step):
    with open(journal, "a") as file:
        file.write(f"{name} {step}\\n")
    if name == "dead" and step == "second":
        os.kill(os.getpid(), signal.SIGKILL)
    if name == "living":
        take_over("dead")  # the job is no longer that worker's, and must not be queued again


@DBOS.workflow(name="job")
def job():
    for step in ("first", "second", "third"):
        DBOS.run_step({"name": step}, note, step)


workflows.launch({"jobs": {"worker_concurrency": 1, "polling_interval_sec": 0.2}})
if name == "dead":
    workflows.enqueue("jobs", job, "the-job")
    time.sleep(600)
assert workflows.workers() == {"dead"}
time.sleep(1)
assert end_of("the-job") is None, "a job of another name is not resumed unasked"
take_over("dead")
while end_of("the-job") is None:
    time.sleep(0.1)
time.sleep(1)
print(end_of("the-job"), workflows.workers())
workflows.close()
"""


def start_worker(database_url: str, name: str, journal: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", WORKER, database_url, name, str(journal)],
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )


def test_what_a_killed_worker_left_is_resumed_at_the_interrupted_step_and_once(
    database_url: str, tmp_path: Path
) -> None:
    journal = tmp_path / "journal"
    dead = start_worker(database_url, "dead", journal)
    assert dead.returncode == -signal.SIGKILL, dead.stderr
    living = start_worker(database_url, "living", journal)
    assert living.returncode == 0, living.stderr
    assert living.stdout.splitlines()[-1] == "SUCCESS set()"
    assert journal.read_text().splitlines() == [
        "dead first",
        "dead second",
        "living second",
        "living third",
    ]


def test_dbos_still_has_the_private_call_that_takes_over() -> None:
    parameters = inspect.signature(DBOS._recover_pending_workflows).parameters
    assert {name: parameter.kind.name for name, parameter in parameters.items()} == {
        "executor_ids": "POSITIONAL_OR_KEYWORD"
    }


def test_no_other_private_part_of_dbos_is_used() -> None:
    sources = Path(data_processor.__file__).parent.rglob("*.py")
    uses = [use for path in sources for use in re.findall(r"DBOS\._\w+|dbos\._\w+", path.read_text())]
    assert uses == ["DBOS._recover_pending_workflows"]

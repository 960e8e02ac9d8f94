import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from data_processor.runs.child import Child, ChildFailedError, ChildGoneError
from data_processor.runs.limits import Limits

World = Any
WORKER = """
import os, sys, time
from pathlib import Path
from data_processor.settings import Settings
from data_processor.runs.child import Child
child = Child(Settings(), Path(sys.argv[1]))
print(child.process_id, flush=True)
time.sleep(600)
"""


@pytest.fixture
def child(world: World, tmp_path: Path) -> Iterator[Child]:
    made = Child(world.settings, tmp_path / "work")
    yield made
    made.close()


def test_a_task_is_carried_out_in_another_process(child: Child, world: World) -> None:
    world.promote("1")
    found = child.ask("inspect", model="census-income", version="1")
    assert (found["engine"], found["replayed"]) == ("onnx", 2)
    assert psutil.Process(child.process_id).ppid() == os.getpid()


def test_a_task_that_fails_says_why_in_a_sentence_and_the_child_goes_on(child: Child) -> None:
    for _ in range(2):
        with pytest.raises(ChildFailedError, match=r"^There is no watch over the promotion 'p1'\.$"):
            child.ask("replay", promotion="p1", size=50)


def test_an_error_nobody_expected_is_named_in_one_line(child: Child) -> None:
    with pytest.raises(ChildFailedError, match=r"^Task 'inspect' failed with TypeError: .*\.$"):
        child.ask("inspect", nonsense=1)


def test_the_child_knows_no_secrets(child: Child) -> None:
    environment = psutil.Process(child.process_id).environ()
    assert not {"SERVICE_TOKEN", "CALLER_KEY"} & environment.keys()


def test_a_child_that_reads_strangers_files_knows_not_even_the_key_of_versions(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "p" * 16)
    made = Child(world.settings, tmp_path / "work", limits=Limits(2**30, 60))
    try:
        environment = psutil.Process(made.process_id).environ()
    finally:
        made.close()
    assert "MLFLOW_TRACKING_PASSWORD" not in environment
    assert environment["SIGNING_KEY"] != world.settings.signing_key.get_secret_value()


def test_a_killed_child_is_missed_by_whoever_waits_for_it(child: Child) -> None:
    threading.Timer(0.5, child.kill).start()
    with pytest.raises(ChildGoneError, match="SIGKILL"):
        child.ask("replay", promotion="p1", size=50)


def test_a_closed_child_has_ended(child: Child) -> None:
    process = psutil.Process(child.process_id)
    child.close()
    assert not process.is_running()


def test_a_child_dies_with_its_worker(world: World, tmp_path: Path) -> None:
    told = dict.fromkeys(("SERVICE_TOKEN", "CALLER_KEY", "SIGNING_KEY"), "s" * 16)
    told |= {"STATE_DIR": str(world.settings.state_dir)}
    worker = subprocess.Popen(
        [sys.executable, "-c", WORKER, str(tmp_path / "work")],
        env={**os.environ, **told},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert worker.stdout is not None
    process = psutil.Process(int(worker.stdout.readline()))
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    worker.stdout.close()
    process.wait(60)


def test_two_children_never_work_in_one_folder(child: Child, world: World, tmp_path: Path) -> None:
    with pytest.raises(ChildFailedError):
        child.ask("replay", promotion="p1", size=50)
    second = Child(world.settings, tmp_path / "work")
    done = threading.Event()

    def ask() -> None:
        with pytest.raises(ChildFailedError):
            second.ask("replay", promotion="p1", size=50)
        done.set()

    waiting = threading.Thread(target=ask)
    waiting.start()
    assert not done.wait(3)
    child.close()
    waiting.join(60)
    assert done.is_set()
    second.close()

import os
import subprocess
import sys
from pathlib import Path

STUMBLES = """
import threading, time
from data_processor.settings import Settings
from data_processor.worker import Worker, work

start = Worker.start

def stumble(self):
    self._poll_workers = fail  # the last thing before its threads start polling
    start(self)

def fail():
    threading.Thread(target=time.sleep, args=(600,)).start()  # as one that carries out a resumed run
    raise ConnectionError("The jobs database is away.")

Worker.start = stumble
work(Settings())
"""


def test_a_worker_that_cannot_start_says_why_and_does_not_linger(tmp_path: Path) -> None:
    told = dict.fromkeys(("SERVICE_TOKEN", "CALLER_KEY", "SIGNING_KEY"), "s" * 16)
    told |= {"STATE_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", STUMBLES],
        env={**os.environ, **told},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert "worker_failed" in done.stderr
    assert "The jobs database is away." in done.stderr
    assert "worker_ready" not in done.stderr

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from compose_stack.instance import free_ports

PROGRAM = Path(__file__).with_name("small_platform.py")
PATIENCE_S = 60.0


@contextmanager
def small_platform(state_dir: Path, kind: str = "well") -> Iterator[subprocess.Popen[str]]:
    """Run the small platform until the block ends."""
    command = [sys.executable, str(PROGRAM), str(state_dir), kind, str(free_ports(1)[0])]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def wait_for(process: subprocess.Popen[str], words: str) -> str:
    """Read what it prints up to the line with `words`, and return that line."""
    assert process.stdout is not None
    for line in process.stdout:
        if words in line:
            return line
    raise AssertionError(f"it ended without saying {words!r}")


def until(condition: Callable[[], bool]) -> None:
    """Poll until `condition` holds."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)


def back_pids(state_dir: Path) -> list[int]:
    """Return the process `back` and the one it started, once both run."""
    pids = state_dir / "back.pids"
    until(pids.exists)
    return [int(pid) for pid in pids.read_text().split()]


def alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def all_of(process: subprocess.Popen[str]) -> list[psutil.Process]:
    return psutil.Process(process.pid).children(recursive=True)


def test_a_signal_stops_every_process_in_order(tmp_path: Path) -> None:
    with small_platform(tmp_path) as platform:
        wait_for(platform, "all is ready")
        back_pids(tmp_path)
        started = all_of(platform)
        platform.send_signal(signal.SIGTERM)
        wait_for(platform, "stopped")
        assert platform.wait() == 0
    assert len(started) == 3
    assert not any(alive(process.pid) for process in started)
    ends = {name: (tmp_path / "logs" / f"{name}.log").read_text() for name in ("front", "back")}
    front, back = (float(re.findall(r"ends ([\d.]+)", ends[name])[0]) for name in ("front", "back"))
    assert front < back


def test_a_process_that_died_is_started_again_and_people_are_told(tmp_path: Path) -> None:
    with small_platform(tmp_path) as platform:
        wait_for(platform, "all is ready")
        first, child = back_pids(tmp_path)
        (tmp_path / "back.pids").unlink()
        os.kill(first, signal.SIGKILL)
        told = wait_for(platform, "restarts in")
        assert "back was killed by SIGKILL" in told
        assert str(tmp_path / "logs" / "back.log") in told
        second = back_pids(tmp_path)[0]
        assert second != first
        until(lambda: not alive(child))  # what the dead one had started is gone too


def test_all_processes_go_with_a_supervisor_that_is_killed(tmp_path: Path) -> None:
    with small_platform(tmp_path) as platform:
        wait_for(platform, "all is ready")
        back_pids(tmp_path)
        started = [process for process in all_of(platform) if process.ppid() == platform.pid]
        platform.kill()
        until(lambda: not any(alive(process.pid) for process in started))
    for pid in back_pids(tmp_path)[1:]:  # grandchildren must end themselves, as those of the processor do
        os.kill(pid, signal.SIGKILL)


def test_a_process_that_ignores_the_signal_is_killed_in_time(tmp_path: Path) -> None:
    with small_platform(tmp_path, "deaf") as platform:
        wait_for(platform, "all is ready")
        pids = back_pids(tmp_path)
        platform.send_signal(signal.SIGINT)
        assert "back did not end within 1 s and was killed" in wait_for(platform, "did not end")
        assert platform.wait() == 0
    assert not any(alive(pid) for pid in pids)


def test_a_process_that_keeps_dying_stops_the_start_with_its_last_words(tmp_path: Path) -> None:
    with small_platform(tmp_path, "dying") as platform:
        wait_for(platform, "back died 4 times")
        assert "back | no such model" in wait_for(platform, "back |")
        assert platform.wait() == 1
    assert not all_left(tmp_path)


def test_a_program_that_is_missing_is_named(tmp_path: Path) -> None:
    with small_platform(tmp_path, "missing") as platform:
        assert "/no/such/program" in wait_for(platform, "back cannot be started")
        assert platform.wait() == 1


def all_left(state_dir: Path) -> list[psutil.Process]:
    """Return processes that still carry the state folder in their command."""
    return [p for p in psutil.process_iter(["cmdline"]) if str(state_dir) in (p.info["cmdline"] or [])]

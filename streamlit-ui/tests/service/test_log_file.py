import logging
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from streamlit_ui.service import log_file
from streamlit_ui.service.log_file import FILES, LogFile

Write = Callable[[LogFile, str], None]


@pytest.fixture
def write() -> Write:
    def write(file: LogFile, line: str) -> None:
        file.handle(logging.makeLogRecord({"msg": line, "levelno": logging.INFO}))

    return write


def test_two_that_write_at_the_same_time_have_a_file_each(tmp_path: Path, write: Write) -> None:
    with closing(LogFile(tmp_path, "specimen")) as first, closing(LogFile(tmp_path, "specimen")) as second:
        write(first, "from the first")
        write(second, "from the second")
    assert (tmp_path / "specimen-1.log").read_text() == "from the first\n"
    assert (tmp_path / "specimen-2.log").read_text() == "from the second\n"


def test_another_process_has_a_file_of_its_own_and_leaves_it_when_it_is_killed(
    tmp_path: Path, write: Write
) -> None:
    script = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from streamlit_ui.service.log_file import LogFile\n"
        "file = LogFile(Path(sys.argv[1]), 'specimen'); print(flush=True); time.sleep(60)"
    )
    command = (sys.executable, "-c", script, str(tmp_path))
    with subprocess.Popen(command, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        with closing(LogFile(tmp_path, "specimen")) as beside:
            write(beside, "beside the other")
        other.kill()
    with closing(LogFile(tmp_path, "specimen")) as after:
        write(after, "after the other")
    assert (tmp_path / "specimen-1.log").read_text() == "after the other\n"
    assert (tmp_path / "specimen-2.log").read_text() == "beside the other\n"


def test_a_restart_goes_on_where_the_last_one_ended(tmp_path: Path, write: Write) -> None:
    for line in ("before", "after"):
        with closing(LogFile(tmp_path / "made/by/it", "specimen")) as file:
            write(file, line)
    assert (tmp_path / "made/by/it/specimen-1.log").read_text() == "before\nafter\n"


def test_a_folder_cannot_grow_without_bound(
    tmp_path: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_file, "MAX_BYTES", 100)
    with closing(LogFile(tmp_path, "specimen")) as file:
        for number in range(100):
            write(file, f"line {number:>20}")
    files = list(tmp_path.glob("specimen-1.log*"))
    assert len(files) == FILES
    assert all(path.stat().st_size <= 100 for path in files)
    assert (tmp_path / "specimen-1.log").read_text().endswith(f"line {99:>20}\n")


def test_only_owner_and_group_can_read_it(tmp_path: Path) -> None:
    with closing(LogFile(tmp_path, "specimen")):
        assert (tmp_path / "specimen-1.log").stat().st_mode & 0o007 == 0


def test_a_disk_that_takes_no_more_is_said_once(
    tmp_path: Path, write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("This system has no /dev/full, which takes no byte.")
    (tmp_path / "specimen-1.log").symlink_to("/dev/full")
    with closing(LogFile(tmp_path, "specimen")) as file:
        for _ in range(3):
            write(file, "lost")
    said = capsys.readouterr().err
    assert said.count("cannot be written") == 1
    assert "No space left on device" in said


def test_more_processes_than_there_are_numbers_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_file, "MAX_PROCESSES", 1)
    with (
        closing(LogFile(tmp_path, "specimen")),
        pytest.raises(OSError, match="1 processes named specimen already write to"),
    ):
        LogFile(tmp_path, "specimen")

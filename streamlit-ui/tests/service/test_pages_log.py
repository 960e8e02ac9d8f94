import logging
import subprocess
import sys
from pathlib import Path

import pytest

from streamlit_ui.service.pages_log import configure_logging

SCRIPT = """
import logging, sys, warnings
from pathlib import Path
from streamlit_ui.service.pages_log import configure_logging
configure_logging("specimen", "info", Path(sys.argv[1]))
logging.getLogger("page").warning("shown to %s", "uma")
logging.getLogger("page").debug("quiet")
logging.getLogger("page").error("sent: %s", "x\\n2026-01-01 INFO page forged\\r\\x1b[2K")
loner = logging.getLogger("loner")
loner.propagate = False
loner.addHandler(logging.StreamHandler())
loner.error("passes nothing on")
warnings.warn("by hand")
sys.stderr.write("half a line, ")
print("and the other", file=sys.stderr, flush=True)
raise RuntimeError("the end")
"""


def test_the_file_has_every_line_of_the_console(tmp_path: Path) -> None:
    done = subprocess.run(
        (sys.executable, "-c", SCRIPT, str(tmp_path)), capture_output=True, text=True, check=False
    )
    written = (tmp_path / "specimen-1.log").read_text()
    assert written == done.stderr
    for line in ("WARNING page shown to uma", "passes nothing on", "half a line, and the other"):
        assert f"{line}\n" in written
    assert "ERROR page sent: x\n    2026-01-01 INFO page forged\\r\\x1b[2K\n" in written
    assert "by hand" in written
    assert written.endswith("RuntimeError: the end\n")
    assert "quiet" not in written


def test_a_folder_that_cannot_be_written_is_said_once_and_stops_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    taken = tmp_path / "taken"
    taken.write_text("a file where the folder would be")
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    root.handlers = []
    try:
        configure_logging("specimen", "info", taken)
        logging.getLogger("page").warning("shown")
    finally:
        root.handlers = handlers
        root.setLevel(level)
    first, second = capsys.readouterr().err.splitlines()
    assert f"LOG_DIR is {taken}, which cannot be used" in first
    assert second.endswith("shown")

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from streamlit_ui.service.pages_log import configure_logging, include_streamlit


@pytest.fixture(autouse=True)
def root() -> Iterator[logging.Logger]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    root.handlers = []
    yield root
    for handler in root.handlers:
        handler.close()
    root.handlers = handlers
    root.setLevel(level)


def test_the_file_has_the_lines_of_the_console(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("specimen", "info", tmp_path)
    logging.getLogger("page").warning("shown to %s", "uma")
    logging.getLogger("page").debug("quiet")
    written = (tmp_path / "specimen-1.log").read_text()
    assert written == capsys.readouterr().err
    assert written.endswith(" WARNING page shown to uma\n")
    assert len(written.splitlines()) == 1


def test_a_logger_that_passes_nothing_on_reaches_the_file(tmp_path: Path) -> None:
    configure_logging("specimen", "info", tmp_path)
    loner = logging.getLogger("streamlit.loner")
    loner.propagate = False
    include_streamlit()
    try:
        loner.warning("once")
        logging.getLogger("page").warning("once too")
    finally:
        loner.handlers, loner.propagate = [], True
    lines = (tmp_path / "specimen-1.log").read_text().splitlines()
    assert [line.split()[-1] for line in lines] == ["once", "too"]


def test_a_folder_that_cannot_be_written_is_said_once_and_stops_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    taken = tmp_path / "taken"
    taken.write_text("a file where the folder would be")
    configure_logging("specimen", "info", taken)
    logging.getLogger("page").warning("shown")
    first, second = capsys.readouterr().err.splitlines()
    assert f"LOG_DIR is {taken} and cannot be used" in first
    assert second.endswith("shown")


def test_without_a_folder_there_is_the_console(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("specimen", "info", None)
    logging.getLogger("page").warning("shown")
    assert capsys.readouterr().err.endswith("shown\n")

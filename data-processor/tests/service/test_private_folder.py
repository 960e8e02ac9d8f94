import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

from data_processor.service.private_folder import make_private


def mode(folder: Path) -> str:
    return f"{stat.S_IMODE(folder.stat().st_mode):04o}"


def test_a_new_folder_is_its_owners(tmp_path: Path) -> None:
    make_private(tmp_path / "var" / "state")
    assert mode(tmp_path / "var" / "state") == "0700"


def test_an_open_folder_is_closed_and_the_log_says_so(
    tmp_path: Path, log_lines: Callable[[], list[Any]]
) -> None:
    folder = tmp_path / "state"
    folder.mkdir()
    folder.chmod(0o755)
    make_private(folder)
    assert mode(folder) == "0700"
    (line,) = log_lines()
    assert (line["event"], line["was"], line["now"]) == ("folder_made_private", "0755", "0700")


def test_a_private_folder_is_not_mentioned(tmp_path: Path, log_lines: Callable[[], list[Any]]) -> None:
    folder = tmp_path / "state"
    for _ in range(2):
        make_private(folder)
    assert log_lines() == []


def test_a_folder_that_cannot_be_closed_is_mentioned(
    tmp_path: Path, log_lines: Callable[[], list[Any]], monkeypatch: Any
) -> None:
    def refuse(_folder: Path, _mode: int) -> None:
        raise PermissionError(1, "Operation not permitted")

    folder = tmp_path / "state"
    folder.mkdir()
    folder.chmod(0o755)
    monkeypatch.setattr(Path, "chmod", refuse)
    make_private(folder)
    (line,) = log_lines()
    assert (line["event"], line["mode"]) == ("folder_open_to_others", "0755")

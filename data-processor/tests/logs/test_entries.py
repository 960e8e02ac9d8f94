from pathlib import Path

import pytest

from data_processor.logs.entries import TAIL_BYTES, Entry, Level, newest, services

CONSOLE = """\
2026-11-29T20:00:00.000001Z [info     ] worker_ready                   [data_processor.worker] stage=main
2026-11-29T20:00:02.000000Z [error    ] poll_failed                    [data_processor.worker] poll=lead
    Traceback (most recent call last):
    ValueError: It broke.
2026-11-29T20:00:04.000000Z [warning  ] slow trace_id=0af7651916cd43dd8448eb211c80319c
"""
JSON = (
    '{"service":"pipeline-api","stage":"main","timestamp":"2026-11-29T20:00:03Z","level":"info",'
    '"event":"signed_in","user":"ann"}\n'
)
FOREIGN = "INFO:     127.0.0.1 - GET /health 200\nWARNING a word of warning\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "data-processor-work-1.log").write_text(CONSOLE)
    (tmp_path / "pipeline-api.log").write_text(JSON)
    (tmp_path / "mlflow.log").write_text(FOREIGN)
    (tmp_path / "admin-password").write_text("secret")
    return tmp_path


def read(
    folder: Path, service: str | None = None, level: Level = "debug", containing: str = "", limit: int = 100
) -> list[Entry]:
    return newest(folder, service=service, level=level, containing=containing, limit=limit)


def test_entries_of_all_services_are_in_the_order_of_time(folder: Path) -> None:
    assert [(entry.service, entry.level) for entry in read(folder) if entry.at] == [
        ("data-processor-work", "info"),
        ("data-processor-work", "error"),
        ("pipeline-api", "info"),
        ("data-processor-work", "warning"),
    ]
    assert services(folder) == ["data-processor-work", "mlflow", "pipeline-api"]


def test_a_traceback_belongs_to_its_event(folder: Path) -> None:
    [entry] = read(folder, level="error")
    assert entry.text.splitlines()[1:] == [
        "    Traceback (most recent call last):",
        "    ValueError: It broke.",
    ]


def test_json_reads_like_the_console(folder: Path) -> None:
    [entry] = read(folder, service="pipeline-api")
    assert entry.text == "2026-11-29T20:00:03Z [info] signed_in user=ann"


def test_lines_of_other_programs_are_entries_too(folder: Path) -> None:
    assert [(entry.level, entry.at) for entry in read(folder, service="mlflow")] == [
        ("info", None),
        ("warning", None),
    ]


@pytest.mark.parametrize(
    ("level", "count"), [("debug", 6), ("info", 6), ("warning", 3), ("error", 1), ("critical", 0)]
)
def test_a_level_includes_what_is_more_severe(folder: Path, level: Level, count: int) -> None:
    assert len(read(folder, level=level)) == count


def test_a_trace_is_found_by_its_id(folder: Path) -> None:
    [entry] = read(folder, containing="0AF7651916CD43DD8448EB211C80319C")
    assert entry.text.startswith("2026-11-29T20:00:04")


def test_the_newest_are_kept(folder: Path) -> None:
    assert [entry.level for entry in read(folder, limit=1)] == ["warning"]


@pytest.mark.parametrize("service", ["../admin-password", "admin-password", "*", ""])
def test_a_service_is_no_path(folder: Path, service: str) -> None:
    assert read(folder, service=service) == []


def test_no_link_is_followed(folder: Path) -> None:
    (folder / "link.log").symlink_to(folder / "admin-password")
    assert "link" not in services(folder)
    assert all("secret" not in entry.text for entry in read(folder))


def test_a_bounded_part_of_a_long_log_is_read(tmp_path: Path) -> None:
    line = "2026-11-29T20:00:00Z [info     ] something_happened number={}\n"
    with (tmp_path / "serve.log").open("w") as file:
        file.writelines(line.format(number) for number in range(40_000))
    found = read(tmp_path, limit=1_000_000)
    assert sum(len(entry.text) + 1 for entry in found) <= TAIL_BYTES
    assert found[-1].text.endswith("number=39999")
    assert all(entry.at for entry in found), "The first line, cut in two, is left out."


def test_what_moves_a_cursor_is_not_shown(tmp_path: Path) -> None:
    (tmp_path / "serve.log").write_text(
        "2026-11-29T20:00:00Z [info     ] \x1b[31mred\x1b[0m \x1b]0;title\x07\u202e\n"
    )
    [entry] = read(tmp_path)
    assert entry.text == "2026-11-29T20:00:00Z [info     ] red �]0;title��"


def test_a_folder_that_is_missing_has_no_logs(tmp_path: Path) -> None:
    assert read(tmp_path / "none") == []
    assert services(tmp_path / "none") == []

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import structlog
from fastapi import FastAPI
from starlette.testclient import TestClient

from data_processor.service.logging import REDACTED, configure_logging
from data_processor.service.settings import ServiceSettings

LogLines = Callable[[], list[Any]]


def test_an_event_is_one_json_object_with_time_level_and_service(log_lines: LogLines) -> None:
    structlog.get_logger("training").info("run_opened", run="r-1")
    (line,) = log_lines()
    assert line["event"] == "run_opened"
    assert line["run"] == "r-1"
    assert (line["level"], line["logger"]) == ("info", "training")
    assert (line["service"], line["stage"]) == ("specimen", "main")
    assert line["timestamp"].endswith("Z")


@pytest.mark.parametrize(
    "key",
    [
        "authorization",
        "Authorization",
        "password",
        "admin_password",
        "token",
        "access_token",
        "SERVICE_TOKEN",
        "secret",
        "client-secret",
        "cookie",
        "api_key",
        "apiKey",
        "key",
        "caller_key",
        "private_key_pem",
        "credentials",
    ],
)
def test_what_looks_like_a_secret_is_never_written(log_lines: LogLines, key: str) -> None:
    log = structlog.get_logger("auth")
    log.info("signed_in", **{key: "hunter2"})
    log.info("signed_in", request={"headers": [{key: "hunter2"}, {key: ["hunter2"]}]})
    top, nested = log_lines()
    assert top[key] == REDACTED
    assert nested["request"] == {"headers": [{key: REDACTED}, {key: REDACTED}]}


def test_ordinary_names_are_written(log_lines: LogLines) -> None:
    structlog.get_logger("training").info("fitted", keyboard="de", monkey="yes", n_tokens=3)
    (line,) = log_lines()
    assert (line["keyboard"], line["monkey"], line["n_tokens"]) == ("de", "yes", 3)


def test_secrets_in_the_standard_librarys_extra_are_redacted_too(log_lines: LogLines) -> None:
    logging.getLogger("vendor").warning("connecting", extra={"password": "hunter2"})
    (line,) = log_lines()
    assert line["password"] == REDACTED


def test_what_users_type_cannot_forge_a_line(
    settings: ServiceSettings, log_lines: LogLines, capsys: pytest.CaptureFixture[str]
) -> None:
    log_lines()
    configure_logging(settings)
    forged = "x\n2026-01-01T00:00:00Z [error    ] forged\r\x1b[2K\u2028\u202e"
    structlog.get_logger("auth").warning("sign_in_failed", subject=forged, nested={"k\nk": [forged]})
    logging.getLogger("vendor").warning("user %s", forged)
    lines = capsys.readouterr().err
    assert len(lines.splitlines()) == 2
    assert "\x1b[2K" not in lines
    assert "\u202e" not in lines
    assert r"x\n2026-01-01" in lines


def test_a_traceback_cannot_forge_a_line(
    settings: ServiceSettings, log_lines: LogLines, capsys: pytest.CaptureFixture[str]
) -> None:
    log_lines()
    configure_logging(settings)
    names: dict[str, str] = {}
    error = RuntimeError("x\n2026-01-01T00:00:00Z [error    ] forged\x1b[2K")
    try:
        names["missing"]
    except KeyError as missing:
        error.__cause__ = missing
        structlog.get_logger("auth").error("failed", exc_info=error)
    first, *rest = capsys.readouterr().err.splitlines()
    assert "failed" in first
    assert all(line.startswith("    ") for line in rest)
    assert "\x1b[2K" not in "".join(rest)


def test_an_exception_is_one_field_of_its_event(log_lines: LogLines) -> None:
    try:
        int("no such thing")
    except ValueError:
        structlog.get_logger("auth").exception("failed")
    (line,) = log_lines()
    assert line["exception"].startswith("Traceback")
    assert line["exception"].endswith("'no such thing'")


def test_the_standard_librarys_loggers_write_the_same_way(log_lines: LogLines) -> None:
    logging.getLogger("uvicorn.error").warning(
        "Server %s", "starts", extra={"color_message": "\x1b[1mServer"}
    )
    (line,) = log_lines()
    assert (line["event"], line["level"], line["logger"]) == ("Server starts", "warning", "uvicorn.error")
    assert "color_message" not in line


def test_events_below_the_level_are_not_written(settings: ServiceSettings, log_lines: LogLines) -> None:
    configure_logging(settings.model_copy(update={"log_level": "warning", "log_format": "json"}))
    structlog.get_logger("training").info("quiet")
    logging.getLogger("vendor").info("quiet")
    assert log_lines() == []


def test_events_of_a_request_carry_its_ids(app: FastAPI, client: TestClient, log_lines: LogLines) -> None:
    @app.get("/")
    async def root() -> None:
        structlog.get_logger("route").info("asked")

    response = client.get("/", headers={"X-Request-Id": "order-17"})
    line = next(line for line in log_lines() if line["event"] == "asked")
    assert len(line["trace_id"]) == 32
    assert line["request_id"] == response.headers["x-request-id"] == "order-17"


def test_a_crash_is_logged_with_the_trace_id_the_caller_was_told(
    app: FastAPI, client: TestClient, log_lines: LogLines
) -> None:
    @app.get("/crash")
    async def crash() -> None:
        raise RuntimeError("broken")

    told = client.get("/crash").json()["trace_id"]
    line = next(line for line in log_lines() if line["event"] == "request_failed")
    assert (line["trace_id"], line["route"], line["level"]) == (told, "/crash", "error")
    assert "RuntimeError: broken" in line["exception"]


def test_the_log_goes_to_standard_error(
    settings: ServiceSettings, log_lines: LogLines, capsys: pytest.CaptureFixture[str]
) -> None:
    log_lines()
    configure_logging(settings)
    structlog.get_logger("training").info("run_opened")
    out, err = capsys.readouterr()
    assert "run_opened" in err
    assert out == ""


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_a_log_file_has_the_lines_of_the_console(
    settings: ServiceSettings,
    log_lines: LogLines,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    log_format: str,
) -> None:
    log_lines()
    configure_logging(settings.model_copy(update={"log_dir": tmp_path, "log_format": log_format}))
    structlog.get_logger("training").info("run_opened", run="r-1", password="hunter2")
    logging.getLogger("vendor").warning("at %s", "midnight")
    written = (tmp_path / "specimen-1.log").read_text()
    assert written == capsys.readouterr().err
    assert len(written.splitlines()) == 2
    assert "hunter2" not in written


def test_kinds_of_processes_are_told_apart_by_the_names_of_their_files(
    settings: ServiceSettings, log_lines: LogLines, tmp_path: Path
) -> None:
    log_lines()
    configure_logging(settings.model_copy(update={"log_dir": tmp_path}), "work")
    structlog.get_logger("training").info("run_opened")
    assert "run_opened" in (tmp_path / "specimen-work-1.log").read_text()


def test_a_folder_that_cannot_be_written_is_said_once_and_stops_nothing(
    settings: ServiceSettings, log_lines: LogLines, tmp_path: Path
) -> None:
    log_lines()
    taken = tmp_path / "taken"
    taken.write_text("a file where the folder would be")
    configure_logging(settings.model_copy(update={"log_dir": taken, "log_format": "json"}))
    structlog.get_logger("training").info("run_opened")
    warning, event = log_lines()
    assert (warning["event"], warning["log_dir"]) == ("log_dir_unusable", str(taken))
    assert "LOG_DIR" in warning["remedy"]
    assert event["event"] == "run_opened"


def test_the_service_does_not_keep_a_file_it_no_longer_writes(
    settings: ServiceSettings, log_lines: LogLines, tmp_path: Path
) -> None:
    log_lines()
    for _ in range(2):
        configure_logging(settings.model_copy(update={"log_dir": tmp_path, "log_format": "json"}))
        structlog.get_logger("training").info("run_opened")
    lines = (tmp_path / "specimen-1.log").read_text().splitlines()
    assert [json.loads(line)["event"] for line in lines] == ["run_opened", "run_opened"]

"""One log for structlog's events and the standard library's: redacted, escaped, with trace ids."""

import json
import logging
import re
import sys
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, ExcInfo, Processor
from typing_extensions import override

from .log_file import LogFile
from .settings import ServiceSettings
from .signals import DeclaredLine
from .trace_context import current_request

REDACTED = "[redacted]"
_SECRET_KEY = re.compile(
    r"authorization|passw|passphrase|secret|token|cookie|credential|private|signature|api[-_]?key|(^|[-_.])key$",
    re.IGNORECASE,
)
# What could end a line, move the cursor or hide text: C0, C1, separators, bidirectional overrides.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_MAX_DEPTH = 8
LINES = (
    DeclaredLine(
        "",
        "Every line. `trace_id` within a request or a step, `request_id` where the caller gave one.",
        ("timestamp", "level", "event", "logger", "service", "stage"),
        ("trace_id", "request_id", "exception"),
    ),
)


def configure_logging(settings: ServiceSettings, process: str = "") -> None:
    """Send all log events of this process to standard error and, with `LOG_DIR`, to a file of its own there.

    `process` distinguishes the kinds of processes of one service in the names of their files.
    """
    root = logging.getLogger()
    for former in root.handlers:
        if isinstance(former, LogFile):
            former.close()
    root.handlers = [_StandardError()]
    unusable: OSError | None = None
    if settings.log_dir is not None:
        try:
            name = f"{settings.service_name}-{process}" if process else settings.service_name
            root.addHandler(LogFile(settings.log_dir, name))
        except OSError as error:
            unusable = error
    for handler in root.handlers:
        handler.setFormatter(
            json_formatter(settings)
            if settings.log_format == "json"
            else _console_formatter(colors=isinstance(handler, _StandardError) and sys.stderr.isatty())
        )
    root.setLevel(settings.log_level.upper())
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [], True
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_shared(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    if unusable is not None:
        # A service without a log file still has its console; one that does not start is of no use.
        structlog.get_logger(__name__).warning(
            "log_dir_unusable",
            log_dir=str(settings.log_dir),
            error=str(unusable),
            remedy="Only the console has the log. Let this process write to LOG_DIR, or leave it unset.",
        )


class _StandardError(logging.Handler):
    """Write each event with one call, to whatever standard error is at the time."""

    @override
    def emit(self, record: logging.LogRecord) -> None:
        try:
            sys.stderr.write(f"{self.format(record)}\n")
        except Exception:  # noqa: BLE001 - like the standard library's handlers: a log never breaks its program
            self.handleError(record)


def json_formatter(settings: ServiceSettings) -> logging.Formatter:
    """Return the formatter that writes one JSON object per line, naming the service and its stage."""

    def add_service(_logger: Any, _method: str, event: EventDict) -> EventDict:
        return {"service": settings.service_name, "stage": settings.stage, **event}

    return _formatter(
        add_service, structlog.processors.format_exc_info, structlog.processors.JSONRenderer(_dumps)
    )


def _console_formatter(*, colors: bool) -> logging.Formatter:
    return _formatter(structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=_indented_traceback))


def _formatter(*renderers: Processor) -> logging.Formatter:
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[structlog.stdlib.ExtraAdder(), *_shared(), add_time_of_record],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderers],
    )


def _shared() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        add_request,
        redact,
        escape,
    ]


def add_request(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Add the trace id of the request being served, and the caller's own id if it differs."""
    event.pop("color_message", None)  # uvicorn writes every message twice
    ids = current_request.get()
    if ids is not None:
        event.setdefault("trace_id", ids.trace_id)
        if ids.request_id != ids.trace_id:
            event.setdefault("request_id", ids.request_id)
    return event


def add_time_of_record(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Set the time at which a record of the standard library was made, not when a handler writes it."""
    made: logging.LogRecord = event["_record"]
    event["timestamp"] = datetime.fromtimestamp(made.created, UTC).isoformat().replace("+00:00", "Z")
    return event


def redact(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Replace the value of every key, at any depth, whose name suggests a secret."""
    return {key: _redacted(key, value, 0) for key, value in event.items()}


def _redacted(key: str, value: Any, depth: int) -> Any:
    if isinstance(value, bool | int | float | None):
        return value
    if _SECRET_KEY.search(key):
        return REDACTED
    if depth == _MAX_DEPTH:
        return str(value)
    if isinstance(value, Mapping):
        return {str(name): _redacted(str(name), item, depth + 1) for name, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_redacted("", item, depth + 1) for item in value]
    return value


def escape(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Write control characters as escapes, so that no value can forge a line or move the cursor."""
    # structlog's own entries, such as the exception's traceback, are objects and pass untouched.
    return {key: _escaped(value) for key, value in event.items()}


def _escaped(value: Any) -> Any:
    if isinstance(value, str):
        return _escape_text(value)
    if isinstance(value, dict):
        return {_escape_text(str(name)): _escaped(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_escaped(item) for item in value]
    return value


def _escape_text(text: str) -> str:
    return _CONTROL.sub(lambda match: repr(match[0])[1:-1] if match[0] != "\x7f" else r"\x7f", text)


def _indented_traceback(stream: TextIO, exc_info: ExcInfo) -> None:
    """Write a traceback indented, so that no line of an exception's message looks like a log line."""
    for block in traceback.format_exception(*exc_info):
        stream.writelines(f"\n    {_escape_text(line)}" for line in block.rstrip("\n").split("\n"))


def _dumps(event: EventDict, **_options: Any) -> str:
    return json.dumps(event, default=str, separators=(",", ":"))

"""One log for pages, Streamlit and its web server: standard error and, if there is a folder, a file in it."""

import logging
import re
import sys
import threading
from pathlib import Path
from typing import Any, TextIO, cast

from typing_extensions import override

from .log_file import LogFile
from .trace_context import current_trace_id

FORMAT = "%(asctime)s %(levelname)s %(name)s %(message)s"
# What could move the cursor or hide text; ends of lines stay, for tracebacks.
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]")
log = logging.getLogger(__name__)


def configure_logging(service_name: str, level: str, folder: Path | None) -> None:
    """Send what this process logs to standard error and, if possible, to a file in the folder.

    Call it before Streamlit is imported: its loggers keep the standard error they find then.
    """
    unusable: OSError | None = None
    if folder is not None:
        try:
            sys.stderr = cast("TextIO", _Copied(sys.stderr, LogFile(folder, service_name)))
        except OSError as error:
            unusable = error
    logging.basicConfig(level=level.upper(), force=True)
    for handler in logging.getLogger().handlers:
        handler.setFormatter(_Indented(FORMAT))
    if unusable is not None:
        # Pages without a log file still have their console; pages that do not start are of no use.
        log.warning(
            "LOG_DIR is %s, which cannot be used: %s. Only the console has the log. "
            "Let this process write there, or leave LOG_DIR unset.",
            folder,
            unusable,
        )


class _Indented(logging.Formatter):
    """Indent all but an entry's first line and escape control characters: no text can forge an entry."""

    @override
    def format(self, record: logging.LogRecord) -> str:
        entry = super().format(record).replace("\n", "\n    ")
        trace_id = current_trace_id()
        if trace_id is not None:
            entry += f" trace_id={trace_id}"
        return _CONTROL.sub(lambda match: match[0].encode("unicode_escape").decode(), entry)


class _Copied:
    """Standard error whose lines are also written to a file.

    A handler at the root would miss most of them: the loggers of Streamlit and of the web server do not
    propagate, and are configured again and again.
    """

    def __init__(self, console: TextIO, file: LogFile) -> None:
        self._console = console
        self._file = file
        self._begun = ""
        self._lock = threading.RLock()

    def write(self, text: str) -> int:
        with self._lock:
            written = self._console.write(text)
            lines, end, self._begun = f"{self._begun}{text}".rpartition("\n")
            if end:
                self._file.handle(logging.makeLogRecord({"msg": lines}))
        return written

    def __getattr__(self, name: str) -> Any:
        return getattr(self._console, name)

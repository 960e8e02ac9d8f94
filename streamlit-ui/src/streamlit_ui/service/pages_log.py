"""One log for pages and for Streamlit itself: standard error and, with a folder, a file in it."""

import logging
from pathlib import Path

from .log_file import LogFile

FORMAT = "%(asctime)s %(levelname)s %(name)s %(message)s"
log = logging.getLogger(__name__)


def configure_logging(service_name: str, level: str, folder: Path | None) -> None:
    """Send what this process logs to standard error and, if it can be written, to a file in the folder."""
    handlers: list[logging.Handler] = [logging.StreamHandler()]
    unusable: OSError | None = None
    if folder is not None:
        try:
            handlers.append(LogFile(folder, service_name))
        except OSError as error:
            unusable = error
    logging.basicConfig(level=level.upper(), format=FORMAT, handlers=handlers, force=True)
    if unusable is not None:
        # Pages without a file still have their console; those that do not start show nobody anything.
        log.warning(
            "LOG_DIR is %s and cannot be used: %s. Only the console has the log: "
            "let this process write there, or leave LOG_DIR unset.",
            folder,
            unusable,
        )


def include_streamlit() -> None:
    """Let what Streamlit logs reach the file as well; call it when Streamlit has been imported."""
    files = [handler for handler in logging.getLogger().handlers if isinstance(handler, LogFile)]
    # Its loggers, and those of its web server, have a console of their own each and pass nothing on.
    for logger in list(logging.getLogger().manager.loggerDict.values()):
        if isinstance(logger, logging.Logger) and not logger.propagate:
            for file in files:
                logger.addHandler(file)

"""A folder that only its owner may look into."""

import os
import stat
from pathlib import Path

import structlog

OWNER_ONLY = 0o700
log = structlog.get_logger(__name__)


def make_private(folder: Path) -> None:
    """Create a folder that only its owner may enter; tighten one that others may, and say so in the log.

    One that belongs to somebody else stays as it is, and the log says that too.
    """
    folder.mkdir(mode=OWNER_ONLY, parents=True, exist_ok=True)
    found = stat.S_IMODE(folder.stat().st_mode)
    if not found & ~OWNER_ONLY:
        return
    try:
        folder.chmod(found & OWNER_ONLY)
    except OSError as error:
        log.warning(
            "folder_open_to_others",
            folder=str(folder),
            mode=f"{found:04o}",
            reason=os.strerror(error.errno or 0),
        )
    else:
        log.warning(
            "folder_made_private", folder=str(folder), was=f"{found:04o}", now=f"{found & OWNER_ONLY:04o}"
        )

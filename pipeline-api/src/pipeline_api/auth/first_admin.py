"""The first user: made when there is none at all, so that somebody can sign in."""

import os
import secrets
import sys
from contextlib import suppress
from pathlib import Path

import structlog
from sqlalchemy import select

from pipeline_api.auth.accounts import Accounts
from pipeline_api.auth.passwords import Passwords, why_refused
from pipeline_api.auth.roles import Role
from pipeline_api.database import Database, UserRow
from pipeline_api.service.errors import Conflict
from pipeline_api.settings import Settings

ADMIN = "admin"
log = structlog.get_logger(__name__)


def create_first_admin(
    database: Database, accounts: Accounts, passwords: Passwords, settings: Settings
) -> None:
    """Create `admin` with the settings' password, or a random one that is shown and kept in a file.

    A crash half-way leaves the file, and the next start uses what it says: file and user never disagree.
    """
    with database.reading() as session:
        if session.scalar(select(UserRow.username).limit(1)) is not None:
            return
    given = settings.admin_password
    password = given.get_secret_value() if given else _kept(settings.password_file)
    try:
        accounts.create(ADMIN, Role.MAINTAINER, passwords.hash_now(password), created_by="loopkeeper")
    except Conflict:
        return  # another replica, started at the same moment on the same database, was faster
    log.info("first_user_created", username=ADMIN, role=Role.MAINTAINER.value)
    if given is None:
        # To a person at a terminal; where output is collected, it would be a secret in a log.
        shown = f"the password {password}" if sys.stdout.isatty() else "a password of its own"
        _say(f"Created the user '{ADMIN}' with {shown} (kept in {settings.password_file}).")
        return
    weakness = why_refused(password, ADMIN)
    if weakness:
        log.warning("weak_admin_setting", reason=weakness)
    _say(f"Created the user '{ADMIN}' with the password from ADMIN_PASSWORD.")


def _kept(path: Path) -> str:
    """Return the password in the file, which appears whole or not at all and was never readable by others."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(secrets.token_urlsafe(18) + "\n")
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):  # a start that crashed, or another replica, was here first
            os.link(partial, path)
    finally:
        partial.unlink()
    return path.read_text(encoding="utf-8").strip()


def _say(line: str) -> None:
    # Not a log event: this goes to the person who started it, and secrets have no place in a log.
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()

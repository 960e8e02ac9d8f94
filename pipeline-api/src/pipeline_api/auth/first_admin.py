"""The first user: created when there is none at all, so that somebody can sign in."""

import os
import secrets
import sys
from contextlib import suppress
from pathlib import Path

import structlog

from pipeline_api.auth.accounts import Accounts
from pipeline_api.auth.passwords import Passwords, why_refused
from pipeline_api.roles import Role
from pipeline_api.service.errors import Conflict
from pipeline_api.settings import Settings

ADMIN = "admin"
log = structlog.get_logger(__name__)


def create_first_admin(accounts: Accounts, passwords: Passwords, settings: Settings) -> None:
    """Create `admin` with the settings' password, or with a random one that is shown and kept in a file.

    A crash half-way leaves the file, and the next start uses its password: file and user never disagree.
    """
    if accounts.exist():
        return
    given = settings.admin_password
    password = given.get_secret_value() if given else _kept(settings.password_file)
    try:
        accounts.create(ADMIN, Role.MAINTAINER, passwords.hash_now(password), created_by="loopkeeper")
    except Conflict:
        return  # another replica, started at the same time on the same database, was faster
    log.info("first_user_created", username=ADMIN, role=Role.MAINTAINER.value)
    if given is None:
        # Shown to a person at a terminal; where output is collected, it would be a secret in a log.
        shown = f"the password {password}" if sys.stdout.isatty() else "a random password"
        _print(f"Created the user '{ADMIN}' with {shown}, kept in {settings.password_file}.")
        return
    weakness = why_refused(password, ADMIN)
    if weakness:
        log.warning("weak_admin_setting", reason=weakness)
    _print(f"Created the user '{ADMIN}' with the password from ADMIN_PASSWORD.")


def random_password() -> str:
    """Return a password that nobody can guess."""
    return secrets.token_urlsafe(18)


def keep_password(path: Path, password: str) -> None:
    """Replace the password in the file, which is complete at all times and only its owner can read."""
    _draft(path, password).replace(path)


def _kept(path: Path) -> str:
    """Return the password in the file; if there is no file, create it with a random one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = _draft(path, random_password())
    try:
        with suppress(FileExistsError):  # a start that crashed, or another replica, was here first
            os.link(draft, path)
    finally:
        draft.unlink()
    return path.read_text(encoding="utf-8").strip()


def _draft(path: Path, password: str) -> Path:
    """Write a password to a new file beside another; return the new one, which only its owner can read."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(f"{password}\n")
        file.flush()
        os.fsync(file.fileno())
    return draft


def _print(line: str) -> None:
    # Not a log event: this is for the person who started the gateway, and secrets do not belong in a log.
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()

"""`pipeline-api reset-password NAME`: let somebody back in who has forgotten their password.

Maintainers do that for everybody else; this is for the last one. It works on the database itself, so it can
be used only where that is: whoever may read the database's file or its URL owns the users anyway.
"""

import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from sqlalchemy import make_url

from pipeline_api.auth.accounts import Accounts
from pipeline_api.auth.first_admin import ADMIN, keep_password, random_password
from pipeline_api.auth.passwords import Passwords
from pipeline_api.auth.throttle import SignInThrottle
from pipeline_api.database import Database
from pipeline_api.service.errors import Problem
from pipeline_api.settings import Settings

_YES = "yes"


class CannotReset(Exception):
    """Nothing was changed; the message says why."""


def reset_password(settings: Settings, username: str, confirm: Callable[[str], str] = input) -> None:
    """Give a person a random password, printed once, and revoke their tokens, after asking on the terminal.

    A running gateway learns of it within seconds. Raises `CannotReset`.
    """
    username = username.lower()
    _must_exist(settings)
    database = Database(settings.database)
    try:
        accounts = Accounts(database, timedelta(hours=settings.token_hours))
        _must_know(accounts, username)
        question = f"Give '{username}' a new password and sign them out everywhere? Type {_YES}: "
        if confirm(question).strip().lower() != _YES:
            raise CannotReset("Nothing was changed.")
        password = random_password()
        accounts.change(username, role=None, password_hash=Passwords().hash_now(password))
        SignInThrottle(database).forget(username)
        if username == ADMIN and settings.password_file.exists():
            keep_password(settings.password_file, password)
    except EOFError as error:
        raise CannotReset(
            "Nothing was changed: nobody is there to answer. Run this in a terminal."
        ) from error
    except Problem as problem:
        raise CannotReset(problem.detail) from problem
    finally:
        database.close()
    sys.stdout.write(f"The password of '{username}' is now {password}\nSign in with it, and change it.\n")


def _must_exist(settings: Settings) -> None:
    url = make_url(settings.database)
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
        raise CannotReset(
            f"There is no database at {url.database}: set STATE_DIR or DATABASE_URL as for the gateway."
        )


def _must_know(accounts: Accounts, username: str) -> None:
    known = [user.username for user in accounts.users()]
    if username not in known:
        raise CannotReset(f"There is no user '{username}'. The users are: {', '.join(known) or 'none'}.")

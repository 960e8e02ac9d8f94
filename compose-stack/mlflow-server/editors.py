"""MLflow users for programs: they may read and change experiments and models, and administer nothing.

Each is set by an environment variable `EDITOR_PASSWORD_<user>`, whose value is the password. MLflow itself
only creates one user, its administrator.
"""

import os
from collections.abc import Mapping

from mlflow.server.auth.permissions import EDIT, RESOURCE_TYPE_EXPERIMENT, RESOURCE_TYPE_REGISTERED_MODEL
from mlflow.server.auth.sqlalchemy_store import SqlAlchemyStore

PREFIX = "EDITOR_PASSWORD_"
EDITED = (RESOURCE_TYPE_EXPERIMENT, RESOURCE_TYPE_REGISTERED_MODEL)
"""Runs, versions, aliases and artefacts inherit these permissions."""


def editors_of(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the password of each user that the environment names; raises `ValueError` for an empty one."""
    found = {
        name.removeprefix(PREFIX): value for name, value in environment.items() if name.startswith(PREFIX)
    }
    if empty := [name for name, password in found.items() if not password]:
        raise ValueError(f"{PREFIX}{empty[0]} is empty: set a password for the MLflow user {empty[0]}.")
    return found


def make_editors(database: str, passwords: Mapping[str, str]) -> None:
    """Create the missing users, and set passwords and permissions; may be repeated."""
    store = SqlAlchemyStore()
    store.init_db(database)
    for name, password in passwords.items():
        if not store.has_user(name):
            store.create_user(name, password)
        elif not store.authenticate_user(name, password):
            store.update_user(name, password=password)
        store.update_user(name, is_admin=False)
        for edited in EDITED:
            store.grant_user_permission(name, edited, "*", EDIT.name)
    store.engine.dispose()


def main(database: str) -> None:
    """Create the users that the environment names, and remove their passwords from it."""
    passwords = editors_of(os.environ)
    make_editors(database, passwords)
    for name in passwords:
        del os.environ[f"{PREFIX}{name}"]

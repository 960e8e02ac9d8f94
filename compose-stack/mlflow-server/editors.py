"""MLflow's users: its administrator, and programs, which change experiments and models and nothing else.

Each program is set by an environment variable `EDITOR_PASSWORD_<user>`, whose value is the password. MLflow
itself only creates one user, its administrator, and never changes a password that it has.
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


def make_users(database: str, administrator: tuple[str, str], passwords: Mapping[str, str]) -> None:
    """Create the missing programs, and set passwords and permissions; may be repeated."""
    store = SqlAlchemyStore()
    store.init_db(database)
    for name, password in (administrator, *passwords.items()):
        if not store.has_user(name):
            if name == administrator[0]:
                continue  # MLflow creates it, and refuses the password that it once shipped
            store.create_user(name, password)
        elif not store.authenticate_user(name, password):
            store.update_user(name, password=password)
    for name in passwords:
        store.update_user(name, is_admin=False)
        for edited in EDITED:
            store.grant_user_permission(name, edited, "*", EDIT.name)
    store.engine.dispose()


def main(database: str) -> None:
    """Create the users that the environment names, and remove the programs' passwords from it.

    Raises `KeyError` without an administrator.
    """
    passwords = editors_of(os.environ)
    administrator = (os.environ["MLFLOW_AUTH_ADMIN_USERNAME"], os.environ["MLFLOW_AUTH_ADMIN_PASSWORD"])
    make_users(database, administrator, passwords)
    for name in passwords:
        del os.environ[f"{PREFIX}{name}"]

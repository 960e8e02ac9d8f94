"""The same users, tokens and keys on SQLite and on PostgreSQL, with several gateways at once."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr
from starlette.testclient import TestClient

from fake_processor import FakeProcessor
from pipeline_api.app import create_app
from pipeline_api.auth.accounts import Accounts
from pipeline_api.auth.keys import Keys
from pipeline_api.database import Database, KeyRow, TokenRow
from pipeline_api.roles import Role
from pipeline_api.service.database import now
from pipeline_api.service.errors import Conflict
from pipeline_api.settings import Settings
from running import PASSWORD, Gateway, Server


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    """Start a PostgreSQL cluster of our own on a Unix socket; yield the URL of its database."""
    found = max(Path("/usr/lib/postgresql").glob("*/bin"), default=None, key=lambda path: path.parent.name)
    initdb = shutil.which("initdb") or (found and found / "initdb")
    if initdb is None:
        pytest.fail("These tests start PostgreSQL themselves: install it (apt-get install postgresql).")
    programs = Path(initdb).parent
    # PostgreSQL refuses to run as root; its package brings a user of its own.
    user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    with tempfile.TemporaryDirectory(prefix="pg", dir="/tmp") as folder:
        if user:
            shutil.chown(folder, "postgres")
        data = f"{folder}/data"

        def run(program: str, *options: str) -> None:
            command = [*user, str(programs / program), "-D", data, *options]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=folder)

        run("initdb", "-U", "postgres", "-A", "trust")
        settings = f"-c listen_addresses= -c unix_socket_directories={folder} -c max_connections=50"
        run("pg_ctl", "-w", "-l", f"{folder}/log", "-o", settings, "start")
        try:
            yield f"postgresql+psycopg://postgres@/postgres?host={folder}"
        finally:
            run("pg_ctl", "-m", "immediate", "stop")


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.services)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the URL of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'shared.db'}"
    url: str = request.getfixturevalue("postgres")
    database = Database(url)
    with database.engine.begin() as connection:
        connection.exec_driver_sql("DROP SCHEMA public CASCADE")
        connection.exec_driver_sql("CREATE SCHEMA public")
    database.close()
    return url


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    database = Database(url)
    database.create_tables()
    yield database
    database.close()


def at_once(*works: Callable[[], Any]) -> list[Any]:
    """Return what comes of works done at the same time: a result or the exception."""
    with ThreadPoolExecutor(len(works)) as threads:
        futures = [threads.submit(work) for work in works]
    return [future.exception() or future.result() for future in futures]


def test_tables_are_made_by_many_at_once(url: str) -> None:
    databases = [Database(url) for _ in range(4)]

    made = at_once(*(database.create_tables for database in databases))

    assert made == [None] * 4
    for database in databases:
        database.close()


def test_two_maintainers_who_demote_each_other_leave_one(database: Database) -> None:
    accounts = Accounts(database, timedelta(hours=1))
    for name in ("ann", "bob"):
        accounts.create(name, Role.MAINTAINER, "hash", created_by="test")

    for _ in range(10):
        outcome = at_once(
            *(
                lambda name=name: accounts.change(name, role=Role.USER, password_hash=None)
                for name in ("ann", "bob")
            )
        )
        roles = [user.role for user in accounts.users()]
        assert sorted(roles) == [Role.MAINTAINER, Role.USER]
        assert sum(isinstance(one, Conflict) for one in outcome) == 1
        for name in ("ann", "bob"):
            accounts.change(name, role=Role.MAINTAINER, password_hash=None)


def test_one_name_is_given_once_to_many_at_once(database: Database) -> None:
    accounts, keys = Accounts(database, timedelta(hours=1)), Keys(database)

    users = at_once(*(lambda: accounts.create("ann", Role.USER, "hash", created_by="test") for _ in range(8)))
    made = at_once(
        *(
            lambda: keys.create(
                name="robot",
                role=Role.USER,
                lifetime=timedelta(days=1),
                requests_per_second=None,
                created_by="ann",
            )
            for _ in range(8)
        )
    )

    assert sum(isinstance(one, Conflict) for one in users) == 7
    assert sum(isinstance(one, Conflict) for one in made) == 7


def test_timestamps_come_back_in_utc(database: Database) -> None:
    accounts = Accounts(database, timedelta(hours=1))
    user = accounts.create("ann", Role.USER, "hash", created_by="test")

    (read,) = accounts.users()

    assert read.created_at == user.created_at
    assert read.created_at.utcoffset() == timedelta(0)
    assert abs(read.created_at - now()) < timedelta(minutes=1)


def test_removing_a_user_leaves_none_of_their_tokens(database: Database) -> None:
    accounts = Accounts(database, timedelta(hours=1))
    accounts.create("ann", Role.USER, "hash", created_by="test")
    accounts.sign_in("ann", "hash", None)

    accounts.remove("ann", with_keys=False)

    with database.reading() as session:
        assert session.query(TokenRow).count() == 0


def test_nothing_usable_is_stored(database: Database) -> None:
    accounts, keys = Accounts(database, timedelta(hours=1)), Keys(database)
    accounts.create("ann", Role.USER, "hash", created_by="test")
    token, _, _ = accounts.sign_in("ann", "hash", None)
    _, secret = keys.create(
        name="robot", role=Role.USER, lifetime=timedelta(days=1), requests_per_second=None, created_by="ann"
    )

    with database.reading() as session:
        rows = [*session.query(TokenRow), *session.query(KeyRow)]
        stored = [row.digest for row in rows]
    assert len(stored) == 2
    assert not [text for text in stored if text in token or text in secret or token in text]


def test_a_password_changed_at_the_same_time_gives_no_token(database: Database) -> None:
    accounts = Accounts(database, timedelta(hours=1))
    accounts.create("ann", Role.USER, "hash", created_by="test")
    accounts.change("ann", role=None, password_hash="another hash")

    with pytest.raises(Exception, match="There is no user"):
        accounts.sign_in("ann", "hash", None)


def test_two_gateways_share_one_database(
    url: str, gateway_settings: Callable[..., Settings], processor: FakeProcessor
) -> None:
    del processor
    settings = gateway_settings(database_url=url, admin_password=SecretStr(PASSWORD))
    first, second = Server(create_app(settings)), Server(create_app(settings))
    try:
        with TestClient(create_app(settings)) as client:
            gateway = Gateway(client, first.app)
            alice = gateway.new_user("alice")
            for server in (first, second):
                assert httpx.get(f"{server.url}/v1/auth/me", headers=alice).status_code == 200
            assert client.delete("/v1/auth/users/alice", headers=gateway.admin).status_code == 204
            deadline = time.monotonic() + 5
            for server in (first, second):
                while httpx.get(f"{server.url}/v1/auth/me", headers=alice).status_code == 200:
                    assert time.monotonic() < deadline
                    time.sleep(0.05)
            odd = {"username": "x\x00y", "password": "wrong"}
            assert httpx.post(f"{first.url}/v1/auth/token", data=odd).status_code == 401
    finally:
        first.stop()
        second.stop()

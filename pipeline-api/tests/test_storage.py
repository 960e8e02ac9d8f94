"""A full disk and a locked database: whatever is to be stored is answered 503, with when to come again."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from pipeline_api import lifespan
from running import PASSWORD, Gateway

TOKEN = (
    "INSERT INTO tokens (id, digest, username, created_at, expires_at)"
    " SELECT hex(randomblob(8)), hex(randomblob(32)), 'admin', '2026-01-01', '2999-01-01'"
)


@pytest.fixture
def gateway(open_gateway: Callable[..., Gateway], monkeypatch: pytest.MonkeyPatch) -> Gateway:
    """A gateway that does not wait long for a lock."""
    monkeypatch.setattr(lifespan, "PATIENCE_S", 0.05)
    return open_gateway()


@contextmanager
def locked(tmp_path: Path) -> Iterator[None]:
    """Hold the gateway's database as another process does that never lets go."""
    with closing(sqlite3.connect(tmp_path / "gateway" / "gateway.db", isolation_level=None)) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        yield
        holder.execute("ROLLBACK")


def fill(gateway: Gateway) -> None:
    """Let the gateway's database have not one page more, and no room on those it has."""
    engine = gateway.app.state.auth.accounts._database.engine

    def cap(connection: Any, _record: object) -> None:
        connection.execute("PRAGMA max_page_count=1")

    event.listen(engine, "connect", cap)
    engine.dispose()
    with engine.connect() as connection, suppress(OperationalError):
        for _ in range(1000):
            connection.exec_driver_sql(TOKEN)
            connection.commit()


WRITES = {
    "a sign-in": ("POST", "/v1/auth/token", {"data": {"username": "admin", "password": PASSWORD}}),
    "a wrong password": ("POST", "/v1/auth/token", {"data": {"username": "admin", "password": "guess"}}),
    "a user": ("POST", "/v1/auth/users", {"json": {"username": "bob", "password": PASSWORD, "role": "user"}}),
    "a key": ("POST", "/v1/auth/keys", {"json": {"name": "bob", "role": "user"}}),
    "signing out": ("DELETE", "/v1/auth/token", {}),
}


def assert_come_again(answer: Any) -> None:
    assert answer.status_code == 503, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert int(answer.headers["retry-after"]) >= 1


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_no_write_fails_on_a_locked_database_with_a_500(
    gateway: Gateway, tmp_path: Path, write: tuple[str, str, dict[str, Any]]
) -> None:
    method, path, sent = write
    with locked(tmp_path):
        answer = gateway.client.request(method, path, headers=gateway.admin, **sent)
    assert_come_again(answer)
    assert "another process has locked the database" in answer.json()["detail"]


def test_signing_in_on_a_full_disk_is_answered_503(gateway: Gateway) -> None:
    fill(gateway)

    answer = gateway.client.post("/v1/auth/token", data={"username": "admin", "password": PASSWORD})

    assert_come_again(answer)
    assert "no room left on the disk" in answer.json()["detail"]
    assert PASSWORD not in answer.text


def test_who_is_signed_in_goes_on_while_the_database_is_locked(gateway: Gateway, tmp_path: Path) -> None:
    with locked(tmp_path):
        assert gateway.client.get("/v1/auth/me", headers=gateway.admin).status_code == 200


def test_readiness_says_that_the_database_takes_nothing(
    gateway: Gateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline_api.readiness._CACHED_S", 0)
    with locked(tmp_path):
        answer = gateway.client.get("/readyz")
    assert answer.status_code == 503
    assert "retry-after" in answer.headers
    assert "another process has locked the database" in answer.json()["checks"]["database"]
    assert gateway.client.get("/readyz").json()["checks"]["database"] == "ok"

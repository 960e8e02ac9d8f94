"""A full disk and a locked database: whatever is to be stored is answered 503, with when to come again."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import event

from data_processor.app import create_app
from data_processor.datasets.spooling import Spool
from data_processor.wiring import serve

MODEL = "census-income"
LONG = "x" * 4000
"""Needs a page of its own, which a full database does not have."""


@pytest.fixture
def client(
    serving_world: Any,
    acting_as: Callable[..., Any],
    wait_until: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[TestClient]:
    """A `serve` with a served version that does not wait long for a lock, called by a maintainer."""
    monkeypatch.setattr(serve, "PATIENCE_S", 0.05)
    with TestClient(create_app(serving_world.settings)) as client:
        client.auth = acting_as("mia", "maintainer")
        wait_until(lambda: client.get("/readyz").status_code == 200)
        yield client


@pytest.fixture
def prediction(client: TestClient, inputs: list[dict[str, Any]]) -> str:
    answer = client.post(f"/v1/models/{MODEL}/predictions", json={"inputs": inputs[:1]})
    name: str = answer.json()["predictions"][0]["id"]
    return name


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a database as another process does that never lets go."""
    with closing(sqlite3.connect(path, isolation_level=None)) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        yield
        holder.execute("ROLLBACK")


def full(client: TestClient) -> None:
    """Let the records database have not one page more."""
    engine = client.app.state.loopkeeper.database.engine  # type: ignore[attr-defined]  # the app's own state

    def cap(connection: Any, _record: object) -> None:
        connection.execute("PRAGMA max_page_count=1")

    event.listen(engine, "connect", cap)
    engine.dispose()


def impatient(client: TestClient) -> None:
    recorder = client.app.state.loopkeeper.predictor._batcher._recorder  # type: ignore[attr-defined]
    recorder._connection.execute("PRAGMA busy_timeout=10")


def assert_come_again(answer: Any) -> None:
    assert answer.status_code == 503, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert int(answer.headers["retry-after"]) >= 1


WRITES = {
    "feedback": ("POST", "/v1/predictions/{prediction}/feedback", {"correct": True, "comment": LONG}),
    "a run": ("POST", f"/v1/models/{MODEL}/runs", {}),
    "a policy": ("PATCH", f"/v1/models/{MODEL}", {"policy": {"threshold": 0.7}}),
    "a deleted version": ("DELETE", f"/v1/models/{MODEL}/versions/2", None),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_no_write_fails_on_a_locked_database_with_a_500(
    client: TestClient, serving_world: Any, prediction: str, write: tuple[str, str, Any]
) -> None:
    method, path, body = write
    with locked(serving_world.settings.state_dir / "records.db"):
        answer = client.request(method, path.format(prediction=prediction), json=body)
    assert_come_again(answer)
    assert "another process has locked the database" in answer.json()["detail"]


def test_feedback_on_a_full_disk_is_answered_503_and_nothing_of_it_is_kept(
    client: TestClient, prediction: str
) -> None:
    full(client)

    answer = client.post(f"/v1/predictions/{prediction}/feedback", json={"correct": True, "comment": LONG})

    assert_come_again(answer)
    assert "no room left on the disk" in answer.json()["detail"]
    assert client.get(f"/v1/predictions/{prediction}").json()["feedback"] == []


def test_a_prediction_that_cannot_be_recorded_is_withheld(
    client: TestClient, serving_world: Any, inputs: list[dict[str, Any]]
) -> None:
    impatient(client)
    with locked(serving_world.settings.state_dir / "predictions.db"):
        answer = client.post(f"/v1/models/{MODEL}/predictions", json={"inputs": inputs[:1]})
    assert_come_again(answer)
    assert "withheld" in answer.json()["detail"]


def test_a_file_that_finds_no_room_is_answered_503(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def into_the_full_device(spool: Spool, _file: Any) -> None:
        with Path("/dev/full").open("wb") as device:
            device.write(spool._waiting)

    monkeypatch.setattr(Spool, "_flush", into_the_full_device)

    answer = client.post("/v1/datasets", data={"name": "people"}, files={"file": ("p.csv", b"a,b\n1,2\n")})

    assert_come_again(answer)
    assert "no room left on the disk" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("database", "check"), [("records.db", "records"), ("predictions.db", "predictions")]
)
def test_readiness_names_the_database_that_takes_nothing(
    client: TestClient, serving_world: Any, database: str, check: str
) -> None:
    with locked(serving_world.settings.state_dir / database):
        answer = client.get("/readyz")
    assert answer.status_code == 503
    assert "retry-after" in answer.headers
    assert "another process has locked the database" in answer.json()["checks"][check]
    assert client.get("/readyz").status_code == 200

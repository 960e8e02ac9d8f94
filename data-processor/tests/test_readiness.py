from collections.abc import Callable
from typing import Any

from fastapi.testclient import TestClient
from sqlalchemy import text

from data_processor.app import create_app


def test_it_is_alive_before_it_is_ready(new_world: Callable[..., Any]) -> None:
    with TestClient(create_app(new_world(sample_model=True).settings)) as client:
        assert client.get("/healthz").status_code == 200
        answer = client.get("/readyz")
        assert answer.status_code == 503
        assert answer.json()["checks"].keys() == {"records", "predictions", "uploads", "models"}


def test_it_is_ready_when_all_that_the_ledger_names_is_served(
    serving_world: Any, wait_until: Callable[..., None]
) -> None:
    with TestClient(create_app(serving_world.settings)) as client:
        wait_until(lambda: client.get("/readyz").status_code == 200)
        assert set(client.get("/readyz").json()["checks"].values()) == {"ok"}


def test_it_names_the_database_that_is_gone(serving_world: Any, wait_until: Callable[..., None]) -> None:
    with TestClient(create_app(serving_world.settings)) as client:
        wait_until(lambda: client.get("/readyz").status_code == 200)
        with serving_world.database.engine.begin() as connection:
            connection.execute(text("DROP TABLE promotions"))
        checks = client.get("/readyz").json()["checks"]
        assert checks == {
            "records": "The records database cannot be read.",
            "predictions": "ok",
            "uploads": "ok",
            "models": "ok",
        }

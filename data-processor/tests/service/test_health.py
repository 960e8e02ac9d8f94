import asyncio
import errno

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from data_processor.service import health
from data_processor.service.errors import NotReady
from data_processor.service.health import Check, health_router


async def fine() -> None:
    pass


def _client(**checks: Check) -> TestClient:
    app = FastAPI()
    app.include_router(health_router(checks))
    return TestClient(app)


def test_alive_asks_nobody() -> None:
    async def never() -> None:
        raise AssertionError

    response = _client(database=never).get("/healthz")
    assert (response.status_code, response.json()) == (200, {"status": "ok", "checks": {}})


def test_ready_names_each_dependency() -> None:
    response = _client(database=fine, models=fine).get("/readyz")
    assert response.status_code == 200
    assert response.json() == {"status": "ok", "checks": {"database": "ok", "models": "ok"}}


def test_not_ready_says_what_is_missing() -> None:
    async def training() -> None:
        raise NotReady("The first model is being trained.")

    response = _client(database=fine, models=training).get("/readyz")
    assert response.status_code == 503
    assert response.json() == {
        "status": "unavailable",
        "checks": {"database": "ok", "models": "The first model is being trained."},
    }


def test_not_ready_says_when_to_ask_again() -> None:
    async def training() -> None:
        raise NotReady("The first model is being trained.")

    assert _client(models=training).get("/readyz").headers["retry-after"] == "5"


def test_a_full_disk_is_named() -> None:
    async def full() -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "/var/lib/hunter2")

    checks = _client(database=full).get("/readyz").json()["checks"]
    assert "no room left on the disk" in checks["database"]
    assert "hunter2" not in checks["database"]


def test_the_words_of_an_unknown_error_stay_inside() -> None:
    async def broken() -> None:
        raise OSError("postgresql://user:hunter2@db refused")

    response = _client(database=broken).get("/readyz")
    assert response.json()["checks"] == {"database": "database cannot be reached."}


def test_a_check_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "CHECK_SECONDS", 0.05)

    async def hangs() -> None:
        await asyncio.Event().wait()

    response = _client(database=hangs).get("/readyz")
    assert response.json()["checks"] == {"database": "database did not answer within 0.05 s."}

import threading
from collections.abc import Callable

import pytest
from starlette.testclient import TestClient

from pipeline_api import lifespan
from pipeline_api.app import create_app
from pipeline_api.auth.verifier import Verifier
from pipeline_api.database import Database
from pipeline_api.settings import Settings


def test_the_database_is_closed_after_the_last_poll(
    gateway_settings: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    happened: list[str] = []
    polling, leaving = threading.Event(), threading.Event()
    poll, close = Verifier.poll, Database.close

    def slow_poll(self: Verifier) -> None:
        if leaving.is_set():
            return
        poll(self)
        if threading.current_thread() is not threading.main_thread() and started.is_set():
            polling.set()
            leaving.wait(60)
            happened.append("polled")

    def noted_close(self: Database) -> None:
        happened.append("closed")
        close(self)

    started = threading.Event()
    monkeypatch.setattr(lifespan, "POLL_S", 0.01)
    monkeypatch.setattr(Verifier, "poll", slow_poll)
    monkeypatch.setattr(Database, "close", noted_close)
    with TestClient(create_app(gateway_settings())):
        started.set()
        assert polling.wait(60)
        # The poll continues for a while after the gateway was told to close.
        threading.Timer(0.3, leaving.set).start()

    assert happened == ["polled", "closed"]

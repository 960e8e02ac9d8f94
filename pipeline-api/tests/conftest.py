"""A gateway as it runs, in front of a data-processor that only pretends."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from argon2 import PasswordHasher
from pydantic import SecretStr
from starlette.testclient import TestClient

from broker import PROGRAM, Mosquitto
from fake_processor import CALLER_KEY, SERVICE_TOKEN, FakeProcessor
from pipeline_api.app import create_app
from pipeline_api.auth import passwords
from pipeline_api.settings import Settings
from running import PASSWORD, Gateway, Server

# How long an example takes says more of the machine than of the code. The examples stay the same: a test
# fails by what was changed, and not by chance.
hypothesis.settings.register_profile(
    "any machine", hypothesis.settings.default, deadline=None, derandomize=True, max_examples=50
)
hypothesis.settings.load_profile("any machine")


@pytest.fixture(autouse=True)
def _cheap_hashes(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Spend little on each password, except where the price is what is tested."""
    if "real_hashes" not in request.fixturenames:
        cheap = partial(PasswordHasher, time_cost=1, memory_cost=1024, parallelism=1)
        monkeypatch.setattr(passwords, "PasswordHasher", cheap)


@pytest.fixture
def real_hashes() -> None:
    """Hash as in production."""


@pytest.fixture(scope="session")
def _processor_server() -> Iterator[tuple[FakeProcessor, Server]]:
    fake = FakeProcessor()
    server = Server(fake)
    yield fake, server
    server.stop()


@pytest.fixture
def processor(_processor_server: tuple[FakeProcessor, Server]) -> Iterator[FakeProcessor]:
    fake, _ = _processor_server
    yield fake
    fake.__init__()  # type: ignore[misc]  # as good as new for the next test


@pytest.fixture(scope="session", autouse=True)
def _settings_by_default() -> Iterator[None]:
    """Start every gateway with the settings of its test, whatever the environment says."""
    with pytest.MonkeyPatch.context() as patch:
        for name in Settings.model_fields:
            patch.delenv(name.upper(), raising=False)
        yield


@pytest.fixture(scope="session")
def settings_in(_processor_server: tuple[FakeProcessor, Server]) -> Callable[..., Settings]:
    """Make settings for a gateway that keeps its state in a folder."""

    def make(folder: Path, **changed: Any) -> Settings:
        values: dict[str, Any] = {
            "state_dir": folder,
            "processor_url": _processor_server[1].url,
            "service_token": SecretStr(SERVICE_TOKEN),
            "caller_key": SecretStr(CALLER_KEY),
            "admin_password": SecretStr(PASSWORD),
        }
        return Settings(**(values | changed))

    return make


@pytest.fixture
def gateway_settings(tmp_path: Path, settings_in: Callable[..., Settings]) -> Callable[..., Settings]:
    """Make settings for a gateway of this test's own."""
    return partial(settings_in, tmp_path / "gateway")


@pytest.fixture
def open_gateway(gateway_settings: Callable[..., Settings]) -> Iterator[Callable[..., Gateway]]:
    """Start gateways with settings of the test's own."""
    clients: list[TestClient] = []

    def start(**changed: Any) -> Gateway:
        app = create_app(gateway_settings(**changed))
        client = TestClient(app, raise_server_exceptions=False)
        client.__enter__()
        clients.append(client)
        return Gateway(client, app)

    yield start
    for client in clients:
        client.__exit__(None, None, None)


@pytest.fixture
def gateway(open_gateway: Callable[..., Gateway], processor: FakeProcessor) -> Gateway:
    del processor  # it answers behind the gateway
    return open_gateway()


@pytest.fixture
def live(gateway_settings: Callable[..., Settings], processor: FakeProcessor) -> Iterator[Server]:
    """A gateway on a port, for clients that need one."""
    del processor
    server = Server(create_app(gateway_settings()))
    yield server
    server.stop()


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    if PROGRAM is None:
        pytest.fail("These tests start Mosquitto themselves: apt-get install mosquitto mosquitto-clients.")
    started = Mosquitto(tmp_path / "broker")
    yield started
    started.stop()

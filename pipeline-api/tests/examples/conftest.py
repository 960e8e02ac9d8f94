from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from broker import Device, Mosquitto
from doors import Door, Platform
from fake_processor import FakeProcessor
from pipeline_api.app import create_app
from pipeline_api.settings import Settings
from running import Server


@pytest.fixture
def platform(
    gateway_settings: Callable[..., Settings], broker: Mosquitto, processor: FakeProcessor
) -> Iterator[Platform]:
    server = Server(create_app(settings := gateway_settings(**broker.settings)))
    with httpx.Client(base_url=server.url, timeout=60) as client:
        yield Platform(client, processor, broker, str(settings.processor_url).rstrip("/"))
    server.stop()


@pytest.fixture
def door(platform: Platform, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Door:
    """A device that the broker knows, with a key for uploads."""
    made = platform.client.post("/v1/auth/devices", json={"name": "front-door"}, headers=platform.admin)
    password = made.json()["password"]
    with Device(platform.broker, "front-door", password):
        pass  # now the broker knows it
    environment = {
        "MQTT_URL": f"mqtt://127.0.0.1:{platform.broker.port}",
        "DEVICE_PASSWORD": password,
        "API_URL": str(platform.client.base_url),
        "API_KEY": platform.new_key("door")["Authorization"].removeprefix("Bearer "),
    }
    return Door(tmp_path / "last.json", environment, capsys)


@pytest.fixture
def alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Door:
    """A device without a platform."""
    return Door(tmp_path / "last.json", {"DEVICE_PASSWORD": "secret", "PATIENCE": "2"}, capsys)


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """A file that is a JPEG as far as its first bytes say; the fake platform does not look further."""
    path = tmp_path / "ann.jpg"
    path.write_bytes(b"\xff\xd8\xff of a test")
    return path

import socket
from pathlib import Path

import pytest

from compose_stack.broker import Broker, configuration, find_broker
from compose_stack.settings import Settings


def test_every_listener_asks_for_a_password(tmp_path: Path) -> None:
    written = configuration(Settings.from_environment({"MQTT_PORT": "1884"}), tmp_path)
    common, *listeners = written.split("\nlistener ")
    assert [listener.splitlines()[:2] for listener in listeners] == [
        ["1884 127.0.0.1", "protocol mqtt"],
        ["9001 127.0.0.1", "protocol websockets"],
    ]
    for listener in listeners:
        assert "allow_anonymous false" in listener
        assert f"password_file {tmp_path}/users" in listener
        assert f"acl_file {tmp_path}/topics.acl" in listener
    assert "per_listener_settings true" in common


def test_without_mosquitto_it_says_so_and_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("compose_stack.broker.shutil.which", lambda *_, **__: None)
    found, why = find_broker(Settings.from_environment({"STATE_DIR": str(tmp_path)}), {"PATH": ""})
    assert found is None
    assert why is not None
    assert "apt install mosquitto" in why


def test_who_has_a_broker_gets_no_other(tmp_path: Path) -> None:
    environment = {"MQTT_URL": "mqtts://broker.example.org"}
    assert find_broker(Settings.from_environment({"STATE_DIR": str(tmp_path)}), environment) == (None, None)


def test_a_taken_port_is_named_and_the_platform_starts_without_mqtt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("compose_stack.broker.shutil.which", lambda *_, **__: "/usr/sbin/mosquitto")
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        settings = Settings.from_environment({"STATE_DIR": str(tmp_path), "MQTT_PORT": port})
        found, why = find_broker(settings, {})
    assert found is None
    assert why is not None
    assert why.startswith(f"MQTT is off. Port {port}")


def test_what_it_prepares_is_private(tmp_path: Path) -> None:
    broker = Broker("/usr/sbin/mosquitto", tmp_path / "broker")
    broker.prepare(Settings.from_environment({}))
    assert broker.folder.stat().st_mode & 0o077 == 0
    for file in broker.rereads:
        assert file.stat().st_mode & 0o077 == 0
    assert broker.configuration.exists()

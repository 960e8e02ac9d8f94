import base64
import hashlib
from pathlib import Path

from pipeline_api.auth.devices import broker_hash
from pipeline_api.database import DeviceRow
from pipeline_api.mqtt.broker_users import BrokerFiles, devices_message, topics_file


def device(name: str, *, public: bool = False) -> DeviceRow:
    return DeviceRow(name=name, password_hash=f"$7$hash-of-{name}", public_topics=public)


def test_a_hash_is_what_mosquitto_computes() -> None:
    kind, rounds, salt, made = broker_hash("secret").split("$")[1:]

    assert kind == "7"
    expected = hashlib.pbkdf2_hmac("sha512", b"secret", base64.b64decode(salt), int(rounds))
    assert base64.b64decode(made) == expected
    assert broker_hash("secret") != broker_hash("secret")


def test_no_line_of_a_device_is_needed_for_what_every_device_may_do() -> None:
    assert topics_file("gateway", [device("door")]) == topics_file("gateway", [])
    assert "user house\ntopic write +/actions/+\n" in topics_file("gateway", [device("house", public=True)])


def test_the_files_are_private_and_written_only_when_something_changed(tmp_path: Path) -> None:
    files = BrokerFiles(tmp_path / "broker", "gateway", "secret")
    users = tmp_path / "broker" / "users"

    files.write([device("door")])
    first = users.stat()
    BrokerFiles(tmp_path / "broker", "gateway", "secret").write([device("door")])

    assert users.stat().st_mtime_ns == first.st_mtime_ns
    assert first.st_mode & 0o077 == 0
    gateway, door = users.read_text().splitlines()
    assert gateway.startswith("gateway:$7$")
    assert door == "door:$7$hash-of-door"
    files.write([])
    assert len(users.read_text().splitlines()) == 1
    assert {path.name for path in users.parent.iterdir()} == {"users", "topics.acl"}


def test_the_message_for_another_machine_is_one_line_and_never_empty() -> None:
    assert devices_message([]) == b"devices"
    told = devices_message([device("door"), device("house", public=True)])
    assert told == b"devices door:$7$hash-of-door house:$7$hash-of-house:public"

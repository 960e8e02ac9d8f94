"""The broker's users and what each may do, as Mosquitto reads them; written from the devices.

devices (database) ─▶ MQTT_BROKER_DIR/users, topics.acl        a broker on this machine
└─▶ MQTT_DEVICES_TOPIC, a retained message    a broker elsewhere, which writes its own files
"""

import hashlib
import os
import secrets
from collections.abc import Iterable
from pathlib import Path

from anyio import to_thread

from pipeline_api.auth.devices import Devices, broker_hash
from pipeline_api.database import Database, DeviceRow
from pipeline_api.mqtt.connection import Broker, Connection
from pipeline_api.mqtt.outbox import Outbox
from pipeline_api.settings import Settings

USERS, TOPICS = "users", "topics.acl"
EVERYBODY = """\
# What a device may do: to send by its own name, and to read what is for it.
pattern write +/actions/+/%u
pattern read +/results/+/%u
pattern read replies/%u/#
"""
GATEWAY = """\
user {gateway}
topic read +/actions/+
topic read +/actions/+/+
topic write +/results/+
topic write +/results/+/+
topic write replies/#
"""
PUBLIC = """\
user {device}
topic write +/actions/+
topic read +/results/+
"""


def users_file(gateway: tuple[str, str], devices: Iterable[DeviceRow]) -> str:
    """Return Mosquitto's password file: the gateway, by name and password hash, and the devices."""
    lines = [gateway, *((device.name, device.password_hash) for device in devices)]
    return "".join(f"{name}:{hashed}\n" for name, hashed in lines)


def topics_file(gateway: str, devices: Iterable[DeviceRow]) -> str:
    """Return Mosquitto's file of who may read and write which topics."""
    public = [PUBLIC.format(device=device.name) for device in devices if device.public_topics]
    return "\n".join([EVERYBODY, GATEWAY.format(gateway=gateway), *public])


def devices_message(devices: Iterable[DeviceRow]) -> bytes:
    """Return one line, `devices` and then `name:hash` or `name:hash:public` for each; a shell reads it.

    It is never empty: that would take the retained message away.
    """
    entries = (
        f" {device.name}:{device.password_hash}{':public' if device.public_topics else ''}"
        for device in devices
    )
    return f"devices{''.join(entries)}".encode()


class BrokerFiles:
    """The two files in a folder that the broker of this machine reads."""

    def __init__(self, folder: Path, username: str, password: str) -> None:
        """Write into a folder; the gateway's own user has this name and password."""
        self._folder = folder
        # The same file for the same devices, so that the broker reads it again only when there is news.
        salt = hashlib.sha256(username.encode()).digest()
        self._gateway = (username, broker_hash(password, salt))

    def write(self, devices: list[DeviceRow]) -> None:
        """Replace what has changed; each file is complete at all times, and only its owner can read it."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Who may do what comes first: a new device is never known before its limits are.
        _replace(self._folder / TOPICS, topics_file(self._gateway[0], devices))
        _replace(self._folder / USERS, users_file(self._gateway, devices))


class BrokerUsers:
    """Tells the broker which devices there are, and who is one no longer."""

    def __init__(
        self, settings: Settings, broker: Broker, database: Database, devices: Devices, outbox: Outbox
    ) -> None:
        """Tell it in the ways that the settings name."""
        folder = settings.mqtt_broker_dir
        self._files = BrokerFiles(folder, broker.username, broker.password) if folder else None
        self._topic = settings.mqtt_devices_topic
        self._database = database
        self._devices = devices
        self._outbox = outbox
        self._written: int | None = None
        self._sent: tuple[int | None, Connection] | None = None

    async def keep_current(self) -> None:
        """Tell it if something has changed; a broker that was away is told again."""
        revision = await to_thread.run_sync(self._database.revision)
        if self._files is not None and revision != self._written:
            await to_thread.run_sync(lambda files: files.write(self._devices.all()), self._files)
            self._written = revision
        connection = self._outbox.connection
        if self._topic is not None and connection is not None and self._sent != (revision, connection):
            devices = await to_thread.run_sync(self._devices.all)
            await self._outbox.send(self._topic, devices_message(devices), retain=True)
            self._sent = (revision, connection)


def _replace(path: Path, text: str) -> None:
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)

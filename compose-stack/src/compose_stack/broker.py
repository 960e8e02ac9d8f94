"""The MQTT broker of `make run`: Debian's Mosquitto, if it is installed.

The gateway writes its users and what each may do from the devices; the supervisor has it read them again.
"""

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from compose_stack.settings import CannotStart, Settings, check_port

ENABLED_BY = "MQTT_URL"
"""Whoever sets it has a broker."""
WRITTEN_BY_THE_GATEWAY = ("users", "topics.acl")
MESSAGE_BYTES = 2 * 1024 * 1024
"""Twice what the gateway takes: it refuses in words what is too large for it, the broker without any."""

_CONFIGURATION = """\
# Written at each start.
user root
per_listener_settings true
persistence true
persistence_location {folder}/
autosave_interval 10
log_dest stdout
log_type error
log_type warning
log_type notice
connection_messages false
max_packet_size {bytes}
max_queued_messages 10000
# Small messages are sent at once: else each may wait 40 ms for the one before to be acknowledged.
set_tcp_nodelay true
{listeners}"""
_LISTENER = """
listener {port} {address}
protocol {protocol}
allow_anonymous false
password_file {folder}/users
acl_file {folder}/topics.acl
"""


@dataclass(frozen=True)
class Broker:
    """Mosquitto, as one instance runs it."""

    program: str
    folder: Path

    @property
    def configuration(self) -> Path:
        """Its configuration file."""
        return self.folder / "mosquitto.conf"

    @property
    def rereads(self) -> tuple[Path, ...]:
        """The files that it reads again when it is told to."""
        return tuple(self.folder / name for name in WRITTEN_BY_THE_GATEWAY)

    def prepare(self, settings: Settings) -> None:
        """Write its configuration, and make the files that it cannot start without."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for file in self.rereads:
            file.touch(mode=0o600)
        self.configuration.write_text(configuration(settings, self.folder))


def find_broker(settings: Settings, environment: Mapping[str, str]) -> tuple[Broker | None, str | None]:
    """Return the broker to run, or None and, where people should know, why MQTT is off."""
    if environment.get(ENABLED_BY):
        return None, None
    # Debian has it where only administrators look for programs.
    path = os.pathsep.join((environment.get("PATH", ""), "/usr/local/sbin", "/usr/sbin"))
    program = shutil.which("mosquitto", path=path)
    if program is None:
        return None, "MQTT is off: Mosquitto is not installed (on Debian: apt install mosquitto)."
    for variable, port in (
        ("MQTT_PORT", settings.mqtt_port),
        ("MQTT_WEBSOCKET_PORT", settings.mqtt_websocket_port),
    ):
        try:
            check_port(variable, settings.bind_host, port)
        except CannotStart as busy:
            return None, f"MQTT is off. {busy}"
    return Broker(program, settings.state_dir / "broker"), None


def configuration(settings: Settings, folder: Path) -> str:
    """Return the configuration of the broker: MQTT on one port, MQTT over WebSocket on the other."""
    ports = (("mqtt", settings.mqtt_port), ("websockets", settings.mqtt_websocket_port))
    listeners = "".join(
        _LISTENER.format(port=port, address=settings.bind_host, protocol=protocol, folder=folder)
        for protocol, port in ports
    )
    # `user root` counts only if root starts it: it would become a user who cannot read its files.
    return _CONFIGURATION.format(folder=folder, bytes=MESSAGE_BYTES, listeners=listeners)

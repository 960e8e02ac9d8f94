"""Where the platform runs on this machine, read from the environment."""

import errno
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

ROOT = Path(__file__).resolve().parents[3]
"""The tree that contains this folder: each service runs from its own folder beside it."""

LOOPBACK = "127.0.0.1"
PORTS = {
    "UI_PORT": 8501,
    "GATEWAY_PORT": 8000,
    "PROCESSOR_PORT": 8001,
    "MLFLOW_PORT": 5000,
    "MQTT_PORT": 1883,
    "MQTT_WEBSOCKET_PORT": 9001,
}
EVERY_ADDRESS = ("0.0.0.0", "::", "")  # noqa: S104  # recognised here, bound only when the user asks for it
LAST_PORT = 65_535
MLFLOW_USER = "loopkeeper"
"""The name under which people open MLflow."""


class CannotStart(Exception):
    """Something outside this program must change before it can start; the message says what."""


@dataclass(frozen=True)
class Settings:
    """What a user can set for a start."""

    state_dir: Path
    ui_port: int
    gateway_port: int
    processor_port: int
    mlflow_port: int
    mqtt_port: int
    mqtt_websocket_port: int
    bind_host: str
    """Where the pages, the gateway and the broker listen; the processor and MLflow stay on loopback."""
    admin_password: str | None
    """The initial password of user `admin`; none: the gateway generates one."""
    root: Path = ROOT

    @classmethod
    def from_environment(cls, environment: Mapping[str, str], root: Path = ROOT) -> Self:
        """Read the settings; raise CannotStart for a value that makes no sense."""
        ports = {name: _port(name, environment.get(name) or str(default)) for name, default in PORTS.items()}
        for name, port in ports.items():
            same = [other for other in ports if ports[other] == port and other != name]
            if same:
                raise CannotStart(f"{name} and {same[0]} are both {port}: each needs its own port.")
        return cls(
            # A relative path means the same folder wherever the command is run.
            state_dir=(root / (environment.get("STATE_DIR") or "var")).resolve(),
            ui_port=ports["UI_PORT"],
            gateway_port=ports["GATEWAY_PORT"],
            processor_port=ports["PROCESSOR_PORT"],
            mlflow_port=ports["MLFLOW_PORT"],
            mqtt_port=ports["MQTT_PORT"],
            mqtt_websocket_port=ports["MQTT_WEBSOCKET_PORT"],
            bind_host=environment.get("BIND_HOST") or LOOPBACK,
            admin_password=environment.get("ADMIN_PASSWORD") or None,
            root=root,
        )

    @property
    def gateway_url(self) -> str:
        """Where this machine reaches the gateway."""
        return _url(self.bind_host, self.gateway_port)

    @property
    def ui_url(self) -> str:
        """Where this machine reaches the pages."""
        return _url(self.bind_host, self.ui_port)

    @property
    def processor_url(self) -> str:
        """Where the gateway reaches the processor."""
        return _url(LOOPBACK, self.processor_port)

    @property
    def mlflow_url(self) -> str:
        """Where the processor reaches MLflow."""
        return _url(LOOPBACK, self.mlflow_port)

    @property
    def mqtt_url(self) -> str:
        """Where this machine reaches the MQTT broker."""
        return _url(self.bind_host, self.mqtt_port, "mqtt")

    @property
    def password_file(self) -> Path:
        """Where the gateway keeps a password that it generated."""
        return self.state_dir / "admin-password"

    @property
    def secrets_dir(self) -> Path:
        """Where the secrets of the processes are kept."""
        return self.state_dir / "secrets"

    @property
    def log_dir(self) -> Path:
        """Where the output of each process is kept."""
        return self.state_dir / "logs"

    def check_ports(self) -> None:
        """Raise CannotStart if another program already listens on one of our ports."""
        for variable, host, port in (
            ("UI_PORT", self.bind_host, self.ui_port),
            ("GATEWAY_PORT", self.bind_host, self.gateway_port),
            ("PROCESSOR_PORT", LOOPBACK, self.processor_port),
            ("MLFLOW_PORT", LOOPBACK, self.mlflow_port),
        ):
            check_port(variable, host, port)


def _port(name: str, text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= LAST_PORT:
        raise CannotStart(f"{name} must be a port from 1 to {LAST_PORT}, not {text!r}.")
    return int(text)


def _url(host: str, port: int, scheme: str = "http") -> str:
    name = LOOPBACK if host in EVERY_ADDRESS else f"[{host}]" if ":" in host else host
    return f"{scheme}://{name}:{port}"


def check_port(variable: str, host: str, port: int) -> None:
    """Raise CannotStart if this machine cannot listen there, naming the variable that chooses the port."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # Like the servers: a connection of the previous run that is still closing does not matter.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except socket.gaierror as error:
            raise CannotStart(f"BIND_HOST is {host!r}, which is not an address of this machine.") from error
        except PermissionError as error:
            raise CannotStart(
                f"You are not allowed to use port {port}: choose one above 1023 with {variable}."
            ) from error
        except OSError as error:
            if error.errno == errno.EADDRNOTAVAIL:
                raise CannotStart(
                    f"BIND_HOST is {host!r}, which is not an address of this machine."
                ) from error
            raise CannotStart(
                f"Port {port} on {host} is in use by another program: stop that program, "
                f"or choose another port, as in `{variable}={port + 10} make run`."
            ) from error

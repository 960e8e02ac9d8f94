"""Devices of a stage that come through its edge, with TLS and over WebSocket, as they all must."""

import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from compose_stack.client import Client
from compose_stack.stack.edge import AUTHORITY
from compose_stack.stack.layout import Stage
from front_doors import PATIENCE_S, FrontDoor, new_door, python_of
from stack.conftest import Stack

LOCAL_NAMES = """
import socket

_looked_up = socket.getaddrinfo


def getaddrinfo(host, *more, **named):
    return _looked_up("127.0.0.1" if str(host).endswith(".localhost") else host, *more, **named)


socket.getaddrinfo = getaddrinfo
"""
"""A `sitecustomize.py`: names that end in `.localhost` are this machine's, as browsers have it."""
LISTEN = """
import os, ssl, sys, time
from urllib.parse import urlsplit
import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

address, seconds, topics = urlsplit(os.environ["MQTT_URL"]), float(sys.argv[1]), sys.argv[2:]

def on_connect(client, data, flags, reason, properties):
    if reason.is_failure:
        print("refused", reason, flush=True)
        os._exit(1)
    client.subscribe([(topic, 1) for topic in topics])

client = paho.Client(CallbackAPIVersion.VERSION2, transport="websockets", protocol=paho.MQTTv5)
client.username_pw_set(os.environ["DEVICE"], os.environ["DEVICE_PASSWORD"])
client.ws_set_options(path=address.path)
client.tls_set_context(ssl.create_default_context(cafile=os.environ["CA_FILE"]))
client.on_connect = on_connect
client.on_subscribe = lambda *_: print("listening", flush=True)
client.on_message = lambda client, data, message: print(message.topic, message.payload.decode(), flush=True)
client.connect(address.hostname, address.port)
client.loop_start()
time.sleep(seconds)
client.disconnect()
"""
"""An MQTT client of a few lines, which says what it may read; Debian's own knows no WebSocket."""


@dataclass(frozen=True)
class Listener:
    """A device that listens."""

    process: "subprocess.Popen[str]"

    def heard(self) -> list[str]:
        """Return, when its time is over, what it was sent: topic and payload."""
        said, _ = self.process.communicate(timeout=PATIENCE_S)
        return said.splitlines()


@dataclass(frozen=True)
class Edge:
    """The edge of a stage, as its devices see it."""

    stack: Stack
    stage: Stage
    admin: Client
    folder: Path

    def door(self, name: str) -> FrontDoor:
        """Return a new device that the broker knows."""
        made = new_door(self.admin, self.broker, self.folder, name, self.environment())
        deadline = time.monotonic() + PATIENCE_S
        while self.refuses(made):
            assert time.monotonic() < deadline, f"the broker does not know {name}"
        return made

    @property
    def broker(self) -> str:
        return f"wss://{self.stack.layout.site(self.stage)}:{self.stack.layout.setting('HTTPS_PORT')}/mqtt"

    def environment(self) -> dict[str, str]:
        """Return what a device needs to know of this machine: whom to trust, and what is where."""
        (self.folder / "sitecustomize.py").write_text(LOCAL_NAMES)
        authority = self.folder / "authority.pem"
        authority.write_text(self.stack.platform("exec", "-T", "caddy", "cat", AUTHORITY).stdout)
        return {"CA_FILE": str(authority), "PYTHONPATH": str(self.folder)}

    def listen(self, door: FrontDoor, *topics: str, within_s: float) -> Listener:
        """Return a device that listens already, for some seconds."""
        listener = self._listener(door, topics, within_s)
        assert listener.stdout is not None
        assert listener.stdout.readline() == "listening\n"
        return Listener(listener)

    def refuses(self, door: FrontDoor) -> bool:
        """Return whether the broker does not let a device in."""
        said, _ = self._listener(door, ("+/results/+/nobody",), 0.5).communicate(timeout=PATIENCE_S)
        return "listening" not in said

    def _listener(self, door: FrontDoor, topics: Sequence[str], within_s: float) -> "subprocess.Popen[str]":
        who = {"MQTT_URL": self.broker, "DEVICE": door.name, "DEVICE_PASSWORD": door.password}
        return subprocess.Popen(
            [python_of("pipeline-api"), "-c", LISTEN, str(within_s), *topics],
            env={**door.besides, **who},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

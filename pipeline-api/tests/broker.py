"""A real Mosquitto, and devices that speak to it as any MQTT client would."""

import json
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

PASSWORD = "password-of-the-gateway"
PATIENCE_S = 60
"""A busy machine takes its time; whoever waits goes on as soon as it can."""
PROGRAM = shutil.which("mosquitto", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
CONFIGURATION = """\
user root
per_listener_settings true
persistence true
persistence_location {folder}/
autosave_interval 10
"""
LISTENER = """\
listener {port} 127.0.0.1
allow_anonymous false
password_file {folder}/users
acl_file {folder}/topics.acl
"""
HELLO = b"\x10\x0c\x00\x04MQTT\x04\x02\x00\x3c\x00\x00"
"""An MQTT client without a name or a password introduces itself."""
WITH_TLS = "certfile {folder}/certificate.pem\nkeyfile {folder}/key.pem\n"
OVER_WEBSOCKET = "protocol websockets\n"
WAYS = {
    "mqtt": LISTENER,
    "mqtts": LISTENER + WITH_TLS,
    "ws": LISTENER + OVER_WEBSOCKET,
    "wss": LISTENER + OVER_WEBSOCKET + WITH_TLS,
}
"""How each scheme of an address is listened for."""


class Mosquitto:
    """A broker that reads its files again when they change."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(mode=0o700)
        self.ports = _free_ports(WAYS)
        self.port = self.ports["mqtt"]
        self.certificate = _certify("localhost", folder)
        for name in ("users", "topics.acl"):
            (folder / name).touch()
        listeners = [WAYS[way].format(folder=folder, port=port) for way, port in self.ports.items()]
        self._configuration = folder / "mosquitto.conf"
        self._configuration.write_text(CONFIGURATION.format(folder=folder) + "".join(listeners))
        self._ended = threading.Event()
        self.start()
        self._watching = threading.Thread(target=self._watch)
        self._watching.start()

    @property
    def settings(self) -> dict[str, Any]:
        return {
            "mqtt_url": f"mqtt://127.0.0.1:{self.port}",
            "mqtt_password": PASSWORD,
            "mqtt_broker_dir": self.folder,
        }

    def url(self, way: str) -> str:
        """Return its address for a scheme, by the name that its certificate has."""
        return f"{way}://localhost:{self.ports[way]}"

    def start(self) -> None:
        assert PROGRAM is not None
        with (self.folder / "log").open("a") as log:
            self._process = subprocess.Popen([PROGRAM, "-c", self._configuration], stderr=log, stdout=log)
        until(self._answers, "the broker did not start")

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        self._ended.set()
        self._watching.join()
        self._process.terminate()
        self._process.wait()

    def _answers(self) -> bool:
        """Whether it says something to a stranger: until then, a SIGHUP would end it."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), PATIENCE_S) as stranger:
                stranger.send(HELLO)
                return bool(stranger.recv(1))
        except OSError:
            return False

    def _watch(self) -> None:
        seen = self._files()
        while not self._ended.wait(0.05):
            if (found := self._files()) != seen:
                seen = found
                self._process.send_signal(signal.SIGHUP)

    def _files(self) -> list[int]:
        return [(self.folder / name).stat().st_mtime_ns for name in ("users", "topics.acl")]


class Device:
    """A client of the broker that keeps what it is sent, even over a broker that restarts."""

    def __init__(self, broker: Mosquitto, name: str, password: str, *reads: str) -> None:
        self.name = name
        self.password = password
        self.got: list[tuple[str, Any]] = []
        self.messages: list[paho.MQTTMessage] = []
        self.refused: list[str] = []
        self.disconnected = 0
        self._reads = reads or (f"+/results/+/{name}",)
        self._ready = threading.Event()
        self.client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
        self.client.username_pw_set(name, password)
        self.client.reconnect_delay_set(1, 1)
        self.client.on_connect = self._on_connect
        self.client.on_subscribe = lambda *_: self._ready.set()
        self.client.on_message = self._on_message
        self.client.on_disconnect = self._on_disconnect
        self._broker = broker

    def __enter__(self) -> Self:
        # It tries again each second: the broker may not know it yet.
        self.client.connect_async("127.0.0.1", self._broker.port)
        self.client.loop_start()
        assert self._ready.wait(PATIENCE_S), f"{self.name} cannot connect: {self.refused}"
        self.refused.clear()
        self.disconnected = 0
        return self

    def __exit__(self, *_: object) -> None:
        self.client.disconnect()
        self.client.loop_stop()

    def ask(self, topic: str, payload: Any, qos: int = 1, **properties: Any) -> paho.MQTTMessageInfo:
        made = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        for name, value in properties.items():
            setattr(made, name, value)
        sent = payload if isinstance(payload, bytes) else json.dumps(payload)
        return self.client.publish(topic, sent, qos=qos, properties=made)

    def predict(self, request_id: str | int, age: int = 50) -> paho.MQTTMessageInfo:
        return self.ask(
            f"census-income/actions/predict/{self.name}", {"$id": request_id, "inputs": [{"age": age}]}
        )

    def answers(self, count: int) -> list[Any]:
        until(lambda: len(self.got) >= count, f"{self.name} has fewer than {count} answers")
        return [answer for _, answer in self.got]

    def counted(self) -> dict[Any, int]:
        """How often each request was answered."""
        found: dict[Any, int] = defaultdict(int)
        for _, answer in list(self.got):
            found[answer["$id"]] += 1
        return found

    def _on_connect(self, client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            self.refused.append(str(reason))
            return
        client.subscribe([(topic, 1) for topic in self._reads])

    def _on_message(self, _client: Any, _data: Any, message: paho.MQTTMessage) -> None:
        self.messages.append(message)
        self.got.append((message.topic, json.loads(message.payload)))

    def _on_disconnect(self, *_: Any) -> None:
        self.disconnected += 1


def until(condition: Callable[[], bool], otherwise: str, within_s: float = PATIENCE_S) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, otherwise
        time.sleep(0.02)


def _free_ports(names: Iterable[str]) -> dict[str, int]:
    with ExitStack() as held:
        free = {name: held.enter_context(socket.create_server(("127.0.0.1", 0))) for name in names}
        return {name: server.getsockname()[1] for name, server in free.items()}


def _certify(name: str, folder: Path) -> Path:
    """Make a key, and a certificate of a name that nobody else has signed; return the certificate."""
    program = shutil.which("openssl")
    assert program, "openssl is missing: apt-get install openssl"
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    kind = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2")
    named = ("-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}")
    written = ("-keyout", str(key), "-out", str(certificate))
    command = (program, "req", "-x509", *kind, *named, *written)
    subprocess.run(command, check=True, capture_output=True)
    return certificate

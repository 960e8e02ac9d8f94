"""What faces over MQTT need besides the platform: an S3 server, drawn persons, and devices that run the demo.

Each program is one of the folder that it belongs to, run by that folder's own Python.
"""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from compose_stack.client import Client
from compose_stack.instance import free_ports
from compose_stack.settings import LOOPBACK, ROOT

BUCKET = "pictures"
KEY, SECRET = "the-pictures", "a-secret-of-the-tests"
PATIENCE_S = 120.0
DRAW = """
import sys, pathlib
from drawn import drawn_face, drawn_scene
folder = pathlib.Path(sys.argv[1])
for person in range(int(sys.argv[2])):
    for picture in range(int(sys.argv[3])):
        (folder / f"{person}-{picture}.jpg").write_bytes(drawn_face(person, picture))
(folder / "nobody.jpg").write_bytes(drawn_scene())
(folder / "two.jpg").write_bytes(drawn_scene(0, 1))
"""


@contextmanager
def s3_server(folder: Path) -> Iterator[str]:
    """Run an S3 server over a folder with an empty bucket in it; yield its address."""
    (folder / BUCKET).mkdir(parents=True)
    (port,) = free_ports(1)
    program = ROOT / "data-processor" / ".venv" / "bin" / "rclone"
    command = [
        str(program),
        "serve",
        "s3",
        "--config",
        os.devnull,
        "--addr",
        f"{LOOPBACK}:{port}",
        str(folder),
    ]
    # The quotes are literal: rclone reads a list of quoted pairs.
    environment = {**os.environ, "RCLONE_AUTH_KEY": f'"{KEY},{SECRET}"'}
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as server:
        try:
            _wait_for_port(port)
            yield f"http://{LOOPBACK}:{port}"
        finally:
            server.kill()


def draw_persons(folder: Path, persons: int, pictures: int) -> None:
    """Draw pictures of persons, `PERSON-PICTURE.jpg`, and `nobody.jpg` and `two.jpg`."""
    folder.mkdir()
    drawn = ROOT / "data-processor" / "tests" / "tasks" / "faces"
    subprocess.run(
        [python_of("data-processor"), "-c", DRAW, folder, str(persons), str(pictures)],
        env={**os.environ, "PYTHONPATH": str(drawn)},
        check=True,
    )


@dataclass(frozen=True)
class Said:
    """How a program of a device ended, and what it said."""

    code: int
    text: str
    besides: str


@dataclass
class FrontDoor:
    """A device that runs the demo; its uploads go where the platform says, or into the bucket itself."""

    name: str
    password: str = field(repr=False)
    broker: str
    memory: Path
    besides: Mapping[str, str] = field(default_factory=dict)
    """More of its environment, such as a key of the bucket."""

    def start(self, *words: str | Path) -> subprocess.Popen[str]:
        """Start the demo."""
        environment = {
            "PATH": os.environ["PATH"],
            "MQTT_URL": self.broker,
            "DEVICE": self.name,
            "DEVICE_PASSWORD": self.password,
            "MEMORY": str(self.memory),
            "PATIENCE": str(PATIENCE_S),
            **self.besides,
        }
        program = ROOT / "pipeline-api" / "examples" / "front_door.py"
        return subprocess.Popen(
            [python_of("pipeline-api"), program, *words],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def do(self, *words: str | Path) -> Said:
        """Run the demo to its end."""
        return ended(self.start(*words))

    def listen(self, *topics: str, within_s: int = 5) -> subprocess.Popen[str]:
        """Subscribe with `mosquitto_sub`, which prints what it may read and ends after some seconds."""
        return subprocess.Popen(
            [*self._subscriber(topics), "-q", "1", "-v", "-W", str(within_s)],
            stdout=subprocess.PIPE,
            text=True,
        )

    def wait_until_known(self) -> None:
        """Wait until the broker lets it in, some seconds after it was made."""
        deadline = time.monotonic() + PATIENCE_S
        while subprocess.run(
            [*self._subscriber(["$SYS/x"]), "-E"], capture_output=True, check=False
        ).returncode:
            assert time.monotonic() < deadline, f"the broker does not know {self.name}"
            time.sleep(0.2)

    def _subscriber(self, topics: Sequence[str]) -> list[str]:
        program = shutil.which("mosquitto_sub")
        assert program, "mosquitto_sub is missing: apt-get install mosquitto-clients"
        address = urlsplit(self.broker)
        where = ["-h", str(address.hostname), "-p", str(address.port), "-u", self.name, "-P", self.password]
        return [program, "-V", "5", *where, *(word for topic in topics for word in ("-t", topic))]


def new_door(
    admin: Client, broker: str, folder: Path, name: str, besides: Mapping[str, str] | None = None
) -> FrontDoor:
    """Make a device; the broker knows it a second later."""
    made = admin.call("POST", "/v1/auth/devices", json={"name": name})
    return FrontDoor(name, made["password"], broker, folder / f"{name}.json", besides or {})


def ended(door: "subprocess.Popen[str]") -> Said:
    """Return what a device said, once it has ended."""
    text, besides = door.communicate(timeout=2 * PATIENCE_S)
    return Said(door.returncode, text.strip(), besides.strip())


def picture_settings(address: str) -> dict[str, str]:
    """Return the settings of a platform that keeps pictures on an S3 server."""
    return {
        "PICTURE_STORE": f"s3://{BUCKET}",
        "PICTURES_ENDPOINT_URL": address,
        "PICTURES_ACCESS_KEY_ID": KEY,
        "PICTURES_SECRET_ACCESS_KEY": SECRET,
    }


def bucket_keys(address: str) -> dict[str, str]:
    """Return the settings of a device that has a key of the bucket."""
    return {"S3_URL": address, "S3_BUCKET": BUCKET, "S3_ACCESS_KEY": KEY, "S3_SECRET_KEY": SECRET}


def predictions_of(admin: Client, model: str) -> list[Any]:
    """Return the newest predictions of a model."""
    found = admin.call("GET", f"/v1/models/{model}/predictions", params={"limit": 200})
    return list(found["predictions"] if isinstance(found, dict) else found)


def python_of(folder: str) -> Path:
    """Return the Python of a folder of the tree."""
    return ROOT / folder / ".venv" / "bin" / "python"


def _wait_for_port(port: int) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        with socket.socket() as probe:
            if probe.connect_ex((LOOPBACK, port)) == 0:
                return
        assert time.monotonic() < deadline, f"nothing listens on port {port}"
        time.sleep(0.05)

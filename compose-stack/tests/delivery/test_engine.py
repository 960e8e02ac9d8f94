"""Deployments on a real engine: three images of one small server, a project of its own, a port of its own.

Runs where Docker, Compose and the base image of the services are (`make images` or `make images-offline`).
"""

import json
import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from compose_stack.delivery.deploy import Deployment, RolledBack
from compose_stack.delivery.docker import Docker, Stack
from compose_stack.delivery.images import IMAGES, variable_of
from compose_stack.delivery.journal import Journal
from compose_stack.delivery.probes import Probe, Prober
from compose_stack.delivery.settings import DeploymentSettings
from compose_stack.delivery.smoke import PublicFace
from compose_stack.settings import CannotStart
from compose_stack.stack.images import PREFIX, PYTHON
from compose_stack.stack.layout import Layout
from compose_stack.stack.tools import COMPOSE, command, engine_runs

pytestmark = pytest.mark.stack

SERVER = """\
import http.server, os
class Face(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        answers = {"/readyz": 200, "/v1/models": 401, "/openapi.json": 200, "/": 200, "/healthz": 200}
        well = os.environ["KIND"] != "silent" or self.path == "/healthz"
        self.send_response(answers[self.path] if well else 503)
        self.end_headers()
        self.wfile.write(b'{"status":"ok","title":"","openapi":"","<title>":""}')
if os.environ["KIND"] == "broken":
    raise SystemExit("This image is broken.")
http.server.ThreadingHTTPServer(("", 8000), Face).serve_forever()
"""


def docker(*arguments: str, environment: dict[str, str] | None = None) -> str:
    done = subprocess.run(
        ["docker", *arguments], check=False, capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


class Engine:
    """The real one: builds images of the small server, and has a Compose project that runs them."""

    def __init__(self, folder: Path, base: str, compose: tuple[str, ...]) -> None:
        self.folder, self.base, self.compose = folder, base, compose
        self.name = f"delivery-{uuid4().hex[:8]}"
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        check = [
            "CMD",
            "python3",
            "-c",
            "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/healthz')",
        ]
        health = {"test": check, "interval": "1s", "timeout": "10s", "retries": 20}
        services: dict[str, Any] = {
            image: {"image": f"${{{variable_of(image)}}}", "healthcheck": health, "init": True}
            for image in IMAGES
        }
        services["pipeline-api"]["ports"] = [f"127.0.0.1:{self.port}:8000"]
        (folder / "compose.yaml").write_text(json.dumps({"name": self.name, "services": services}))
        (folder / "face.py").write_text(SERVER)
        self.arguments = ("--file", str(folder / "compose.yaml"))
        self.journal = Journal(folder / "deployments", "staging")

    def build(self, tag: str, kind: str = "well") -> None:
        lines = f"FROM {self.base}\nENV KIND={kind} LETTER={tag} PYTHONUNBUFFERED=1\nCOPY face.py /\n"
        (self.folder / "Dockerfile").write_text(f'{lines}CMD ["python3", "/face.py"]\n')
        names = [f"--tag={self.name}/{image}:{tag}" for image in IMAGES]
        docker(
            "build",
            "--quiet",
            *names,
            str(self.folder),
            environment={**os.environ, "DOCKER_BUILDKIT": "0"},
        )

    def deploy(self, tag: str) -> list[str]:
        given = {
            "STAGE": "staging",
            "IMAGES": self.name,
            "TAG": tag,
            "SMOKE_SECONDS": "5",
            "WAIT_SECONDS": "90",
        }
        settings = DeploymentSettings.from_environment(Layout(self.folder, given))
        client = Docker(compose=self.compose)
        said: list[str] = []
        face = PublicFace(f"http://127.0.0.1:{self.port}")
        stack = Stack(client, self.arguments)
        Deployment(settings, client, stack, self.journal, face, self.prober(client), said.append).run()
        return said

    def prober(self, client: Docker) -> Prober:
        """Probe with the base image: it has Bash too."""
        probes = (Probe(8000, "/readyz"),)
        return Prober(client, self.base, dict.fromkeys(IMAGES, probes), patience_s=2)

    def serving(self) -> set[str]:
        """The tags of the images whose containers run."""
        running = docker("ps", "--filter", f"label=com.docker.compose.project={self.name}", "--quiet").split()
        form = "{{range .Config.Env}}{{println .}}{{end}}"
        said = docker("inspect", "--format", form, *running).splitlines() if running else []
        return {line.removeprefix("LETTER=") for line in said if line.startswith("LETTER=")}

    def remove(self) -> None:
        project = f"label=com.docker.compose.project={self.name}"
        for container in docker("ps", "--all", "--filter", project, "--quiet").split():
            docker("rm", "--force", "--volumes", container)
        for network in docker("network", "ls", "--filter", project, "--quiet").split():
            docker("network", "rm", network)
        for image in docker(
            "images", "--format", "{{.Repository}}:{{.Tag}}", "--filter", f"reference={self.name}/*"
        ).split():
            docker("image", "rm", "--force", image)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    base = f"{PREFIX}/{PYTHON}"
    try:
        compose = command(COMPOSE)
    except CannotStart as absent:
        pytest.skip(str(absent))
    if not engine_runs():
        pytest.skip("No Docker engine answers here.")
    if Docker().image_id(base) is None:
        pytest.skip(f"There is no image {base} here: make images-offline")
    made = Engine(tmp_path, base, compose)
    yield made
    made.remove()


def test_a_broken_revision_ends_with_the_old_one_serving(engine: Engine) -> None:
    engine.build("one")
    engine.deploy("one")
    assert engine.serving() == {"one"}

    engine.build("two", kind="silent")
    with pytest.raises(RolledBack, match=r"(?s)was rolled back.*does not answer /readyz.*HTTP/1.0 503"):
        engine.deploy("two")
    assert engine.serving() == {"one"}

    engine.build("three", kind="broken")
    with pytest.raises(RolledBack, match="was rolled back"):
        engine.deploy("three")
    assert engine.serving() == {"one"}

    engine.build("four")
    engine.deploy("four")
    assert engine.serving() == {"four"}
    outcomes = [json.loads(line)["outcome"] for line in engine.journal.events.read_text().splitlines()]
    assert [outcome for outcome in outcomes if outcome != "started"] == [
        "succeeded",
        "rolled-back",
        "rolled-back",
        "succeeded",
    ]

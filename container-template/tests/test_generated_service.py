"""A service straight from the template: formatted, clean, typed, tested, and it answers."""

import os
import re
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import ClassVar

import pytest

from container_template.drift import ROOT, render

UV = os.environ.get("UV", "uv")


def _run(folder: Path, *command: str) -> str:
    """Return what a command prints; its failure is the test's, with all it said."""
    environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        check=False,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


class GeneratedService:
    """One kind of service; a class of its own for each, so that two workers make both at the same time."""

    kind: ClassVar[str]

    @pytest.fixture(scope="class")
    @classmethod
    def service(cls, tmp_path_factory: pytest.TempPathFactory) -> Path:
        """Generate the service with its environment, from uv's cache or the package index."""
        folder = tmp_path_factory.mktemp("generated") / "birthday-greeting-card"
        answers = {
            "service_name": folder.name,
            "description": "Greets people on their birthday.",
            "port": 8123,
            "kind": cls.kind,
            "has_database": cls.kind == "api",
        }
        render(ROOT, answers, folder)
        _run(folder, UV, "sync", "--quiet")
        return folder

    def test_it_is_complete(self, service: Path) -> None:
        for name in (
            ".copier-answers.yml",
            ".github/workflows/service.yml",
            "Dockerfile",
            "Makefile",
            "README.md",
            "base.mk",
            "compose.service.yaml",
            "pyproject.toml",
        ):
            assert (service / name).is_file(), name
        assert not [path for path in service.rglob("*.jinja") if ".venv" not in path.parts]
        rendered = [path for path in service.rglob("*") if path.is_file() and ".venv" not in path.parts]
        left = re.compile(r"(?<!\$)\{\{ ")  # GitHub's own expressions begin with a dollar sign
        assert not [
            path
            for path in rendered
            if path.suffix != ".lock" and left.search(path.read_text(errors="ignore"))
        ]

    def test_formatting_changes_nothing(self, service: Path) -> None:
        _run(service, UV, "run", "ruff", "format", "--diff", ".")

    def test_it_is_clean_and_typed(self, service: Path) -> None:
        _run(service, "make", "lint", f"UV={UV}")

    def test_its_tests_pass_once_the_readme_has_its_table(self, service: Path) -> None:
        _run(service, "make", "readme", f"UV={UV}")
        assert "| `PORT` | `8123` |" in (service / "README.md").read_text()
        assert re.search(r"\d+ passed", _run(service, "make", "test", f"UV={UV}"))

    def test_make_says_what_it_can(self, service: Path) -> None:
        assert "Run the tests that need nothing but this folder" in _run(service, "make", f"UV={UV}")

    def test_it_answers_and_keeps_what_it_logs(self, service: Path, tmp_path: Path) -> None:
        command = [str(service / ".venv/bin" / service.name), *([] if self.kind == "pages" else ["serve"])]
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        environment = {**os.environ, "PORT": str(port), "LOG_DIR": str(tmp_path), "LOG_LEVEL": "debug"}
        with subprocess.Popen(command, env=environment) as process:
            try:
                _wait_until_ready(f"http://127.0.0.1:{port}/readyz", process)
            finally:
                process.terminate()
        assert "127.0.0.1" in (tmp_path / f"{service.name}-1.log").read_text()


class TestApi(GeneratedService):
    kind = "api"


class TestPages(GeneratedService):
    kind = "pages"


def _wait_until_ready(url: str, process: "subprocess.Popen[bytes]") -> None:
    for _ in range(600):
        assert process.poll() is None, "It ended before it was ready."
        try:
            with urllib.request.urlopen(url, timeout=10) as response:  # noqa: S310 - our own server
                assert response.status == 200
        except urllib.error.URLError:
            time.sleep(0.1)
        else:
            return
    pytest.fail(f"{url} did not answer within a minute.")

"""A service straight from the template: formatted, clean, typed, tested, and it answers."""

import os
import re
import subprocess
import urllib.request
from pathlib import Path

import pytest

from container_template.drift import ROOT, render

UV = os.environ.get("UV", "uv")


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A generated service with its environment, from uv's cache or the package index."""
    folder = tmp_path_factory.mktemp("generated") / "birthday-greeting-card"
    answers = {"service_name": folder.name, "description": "Greets people on their birthday.", "port": 8123}
    render(ROOT, answers, folder)
    _run(folder, UV, "sync", "--quiet")
    return folder


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


def test_it_is_complete(service: Path) -> None:
    for name in ("pyproject.toml", "Makefile", "base.mk", "Dockerfile", "README.md", ".copier-answers.yml"):
        assert (service / name).is_file(), name
    assert not [path for path in service.rglob("*.jinja") if ".venv" not in path.parts]
    rendered = [path for path in service.rglob("*") if path.is_file() and ".venv" not in path.parts]
    left = re.compile(r"(?<!\$)\{\{ ")  # GitHub's own expressions begin with a dollar sign
    assert not [
        path for path in rendered if path.suffix != ".lock" and left.search(path.read_text(errors="ignore"))
    ]


def test_formatting_changes_nothing(service: Path) -> None:
    _run(service, UV, "run", "ruff", "format", "--diff", ".")


def test_it_is_clean_and_typed(service: Path) -> None:
    _run(service, "make", "lint", f"UV={UV}")


def test_its_tests_pass_once_the_readme_has_its_table(service: Path) -> None:
    _run(service, "make", "readme", f"UV={UV}")
    assert "| `MAX_BODY_BYTES` | `10485760` |" in (service / "README.md").read_text()
    assert re.search(r"\d+ passed", _run(service, "make", "test", f"UV={UV}"))


def test_make_says_what_it_can(service: Path) -> None:
    assert "Run the tests that need nothing but this folder" in _run(service, "make", f"UV={UV}")


def test_it_answers(service: Path) -> None:
    command = service / ".venv/bin" / service.name
    environment = {**os.environ, "PORT": "0"}
    with subprocess.Popen([command, "serve"], env=environment, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        url = next(match[0] for line in process.stderr if (match := re.search(r"http://[\d.]+:\d+", line)))
        with urllib.request.urlopen(f"{url}/readyz", timeout=10) as response:  # noqa: S310 - our own server
            assert response.status == 200
        process.terminate()

"""Template and services as repositories of their own: `copier update` brings a change of it into each."""

import os
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from compose_stack.delivery.split import split
from compose_stack.settings import ROOT

TEMPLATE = "container-template"
SERVICES = ("data-processor", "pipeline-api", "streamlit-ui")
PUBLISHED = "https://github.com/loopkeeper/"
"""The template's URL in the answers; git is configured to use a folder of the test for it."""
UV = os.environ.get("UV") or "uv"

pytestmark = [pytest.mark.services, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home of git's whose organisation on GitHub is the folder `repositories` in it."""
    home = tmp_path_factory.mktemp("home")
    (home / ".gitconfig").write_text(
        "[user]\nname = a\nemail = a@example.org\n"
        f'[url "file://{home}/repositories/"]\ninsteadOf = {PUBLISHED}\n'
        "[protocol.file]\nallow = always\n"
    )
    return home


@pytest.fixture(scope="module")
def call(home: Path) -> Callable[..., str]:
    def call(*command: str | Path) -> str:
        environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
        environment |= {"GIT_CONFIG_GLOBAL": str(home / ".gitconfig"), "GIT_CONFIG_NOSYSTEM": "1"}
        done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        return done.stdout

    return call


@pytest.fixture(scope="module")
def released() -> str:
    """The template's release that the services were stamped with."""
    version = tomllib.loads((ROOT / TEMPLATE / "pyproject.toml").read_text())["project"]["version"]
    return f"v{version}"


@pytest.fixture(scope="module")
def repositories(home: Path, call: Callable[..., str], released: str) -> Path:
    """Clones of the template and of each service, split off from the tree as it lies here.

    The template has two releases: the one that the services were stamped with, and one that changes files it
    owns, a section of pyproject.toml that all share, and a file that is a service's own after its first form.
    """
    tree, origins, clones = home / "tree", home / "repositories", home / "clones"
    call("git", "init", "--quiet", "--initial-branch=main", tree)
    there = ("git", "--git-dir", tree / ".git", "--work-tree", ROOT)
    call(*there, "add", "--all")
    call(*there, "commit", "--quiet", "--message", "the tree")
    call("git", "-C", tree, "reset", "--quiet", "--hard")
    for name in (TEMPLATE, *SERVICES):
        origin = origins / f"{name}.git"
        call("git", "init", "--quiet", "--bare", "--initial-branch=main", origin)
        split(tree, name, str(origin))
        call("git", "clone", "--quiet", origin, clones / name)
    template = clones / TEMPLATE
    call("git", "-C", template, "tag", released)
    package = template / "template" / "src" / "{{ package_name }}"
    _add(template / "template" / "base.mk", "\nnews: ## Say what is new\n\t@echo news\n")
    _add(package / "service" / "log_file.py", "\nNEWS = True\n")
    _add(package / "cli.py.jinja", "\nNEWS = True\n")
    (package / "service" / "readme.py").unlink()
    _replace(template / "template" / "pyproject.toml.jinja", "line-length = 110\n", "line-length = 111\n")
    _replace(template / "pyproject.toml", f'version = "{released[1:]}"', 'version = "99.0.0"')
    call("git", "-C", template, "commit", "--quiet", "--all", "--message", "a second release")
    call("git", "-C", template, "tag", "v99.0.0")
    call("git", "-C", template, "push", "--quiet", "--tags", "origin", "main")
    return clones


def _add(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)


def _replace(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text, f"{old!r} is not in {path}"
    path.write_text(text.replace(old, new))


@pytest.mark.parametrize("name", SERVICES)
def test_a_change_of_the_template_arrives_and_a_service_keeps_its_own(
    repositories: Path, call: Callable[..., str], released: str, name: str
) -> None:
    service = repositories / name
    package = service / "src" / name.replace("-", "_")
    assert f"_commit: {released}\n" in (service / ".copier-answers.yml").read_text()
    before = set(call("git", "-C", service, "ls-files").splitlines())
    _add(service / "Makefile", "\n# ours\n")
    _replace(service / "pyproject.toml", "[project.scripts]\n", '[project.scripts]\nours = "ours:main"\n')
    call("git", "-C", service, "commit", "--quiet", "--all", "--message", "ours")

    _copier(call, "update", "--defaults", "--quiet", service)

    lines = call("git", "-C", service, "diff", "--name-status").splitlines()
    changed = {path: state for state, _, path in (line.partition("\t") for line in lines)}
    assert changed == {
        ".copier-answers.yml": "M",
        "base.mk": "M",
        "pyproject.toml": "M",
        f"src/{package.name}/service/log_file.py": "M",
        f"src/{package.name}/service/readme.py": "D",
    }
    # Nor is anything there again that the service had removed of its first form.
    assert call("git", "-C", service, "ls-files", "--others", "--exclude-standard") == ""
    assert before == set(call("git", "-C", service, "ls-files").splitlines())
    assert "_commit: v99.0.0\n" in (service / ".copier-answers.yml").read_text()
    assert "echo news" in (service / "base.mk").read_text()
    assert (package / "service" / "log_file.py").read_text().endswith("\nNEWS = True\n")
    assert "NEWS" not in (package / "cli.py").read_text()
    shared = (service / "pyproject.toml").read_text()
    assert "line-length = 111\n" in shared
    assert 'ours = "ours:main"\n' in shared
    for path in changed:
        assert not (service / path).exists() or "<<<<<<<" not in (service / path).read_text(), path

    template = repositories / TEMPLATE
    call(UV, "run", "--frozen", "--quiet", "--project", template, "template-drift", service)


def _copier(call: Callable[..., str], *arguments: str | Path) -> str:
    """Call the copier that the template itself is locked to."""
    return call(UV, "run", "--frozen", "--quiet", "--project", ROOT / TEMPLATE, "copier", *arguments)

"""`make stack-dev`: the tree as it is, in the containers of one stage, with every port on this machine."""

import argparse
import os
import secrets
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from compose_stack.settings import CannotStart
from compose_stack.stack.images import RECIPES, Builder, offline_builder
from compose_stack.stack.layout import CONFIGURATION, Layout, read_env
from compose_stack.stack.secrets import BYTES, NAMES, write_privately
from compose_stack.stack.tools import COMPOSE, command

TEMPLATE = CONFIGURATION / "dev.env.example"
FILE = CONFIGURATION / "compose.dev.yaml"
EDGE = "caddy"
"""Left out in development."""
WAIT = ("--wait", "--wait-timeout", "420")

Say = Callable[[str], None]


def settings(layout: Layout) -> Path:
    """Return the development settings, made from their template; values that a user has set there stay."""
    path = layout.state / "dev.env"
    known = read_env(path) if path.exists() else {}
    unseen = {name for names in NAMES.values() for name in names}
    lines = []
    for line in TEMPLATE.read_text().splitlines():
        name, is_setting, value = line.partition("=")
        if is_setting and not line.startswith("#"):
            chosen = known.pop(name, "") or value
            line = f"{name}={chosen or (secrets.token_urlsafe(BYTES) if name in unseen else '')}"  # noqa: PLW2901
        lines.append(line)
    lines += [f"{name}={value}" for name, value in known.items()]
    write_privately(path, "".join(f"{line}\n" for line in lines))
    return path


class Project:
    """The Compose project of development."""

    def __init__(self, layout: Layout) -> None:
        """Prepare Compose calls with the development settings."""
        self._settings = settings(layout)
        # It runs its own builds, wherever the images of a stack come from.
        inherited = {name: value for name, value in layout.environment.items() if name != "IMAGES"}
        self._environment = {**inherited, "PATH": os.environ["PATH"]}
        # The files that it extends need the platform's settings too; its own override them.
        named = (CONFIGURATION / "platform.env", self._settings)
        read = [part for path in named for part in ("--env-file", str(path))]
        self._call = (*command(COMPOSE), "--progress", "quiet", "--file", str(FILE), *read)

    def setting(self, name: str) -> str:
        """Return a setting: from the environment, else from the file."""
        return self._environment.get(name) or read_env(self._settings)[name]

    def __call__(self, *arguments: str) -> str:
        """Call Compose and return its output; raises `CannotStart` with its error if it fails."""
        call: Sequence[str] = (*self._call, *arguments)
        done = subprocess.run(call, env=self._environment, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            error = (done.stderr.strip() or done.stdout.strip())[-3000:]
            raise CannotStart(f"docker compose {arguments[0]} of {FILE.name} failed:\n{error}")
        return done.stdout

    def urls(self) -> dict[str, str]:
        """Return the address of each service, which answers 200 once the service is ready."""
        port = {
            name: f"http://127.0.0.1:{self.setting(f'{name}_PORT')}"
            for name in ("UI", "GATEWAY", "PROCESSOR", "MLFLOW")
        }
        return {
            "Pages": f"{port['UI']}/",
            "Gateway": f"{port['GATEWAY']}/docs",
            "Processor": f"{port['PROCESSOR']}/docs",
            "MLflow": f"{port['MLFLOW']}/health",
        }


def up(layout: Layout, say: Say, *, offline: bool) -> None:
    """Build what changed and start it; return when all of it is healthy. Raises `CannotStart`."""
    project = Project(layout)
    tag = project.setting("TAG")
    builder = offline_builder(tag) if offline else Builder(tag)
    for recipe in RECIPES:
        if recipe.name != EDGE:
            say(f"Built {builder.build(recipe)}.")
    project("up", "--detach", "--no-build", "--remove-orphans", *WAIT)
    for name, url in project.urls().items():
        say(f"  {name:10} {url}")
    say(f"  {'Settings':10} {layout.state / 'dev.env'}: ADMIN_PASSWORD of user admin, and every other secret")


def down(layout: Layout, say: Say, *, volumes: bool = False) -> None:
    """Stop everything; data is kept unless `volumes` is set."""
    Project(layout)("down", "--remove-orphans", *(("--volumes",) if volumes else ()))
    say("The development stack is down.")


def main() -> int:
    """Start or stop; print why and return 1 if that fails."""
    parser = argparse.ArgumentParser(description="Run the tree as it is in containers.")
    parser.add_argument("action", choices=("up", "down"), nargs="?", default="up")
    parser.add_argument("--offline", action="store_true", help="build the base images from Debian packages")
    parser.add_argument("--volumes", action="store_true", help="down: delete the data as well")
    asked = parser.parse_args()
    # The settings of a stack on this machine do not apply to development.
    layout = Layout(Layout.from_environment().state, os.environ)

    def say(line: str) -> None:
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()

    try:
        if asked.action == "up":
            up(layout, say, offline=asked.offline)
        else:
            down(layout, say, volumes=asked.volumes)
    except CannotStart as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Docker Compose, called with the files and settings of one platform."""

import os
import subprocess
from collections.abc import Sequence

from compose_stack.settings import CannotStart
from compose_stack.stack.layout import CONFIGURATION, PLATFORM, Layout
from compose_stack.stack.tools import COMPOSE, command


class Compose:
    """The Compose project of a stage, or of the platform that both stages share."""

    def __init__(self, layout: Layout, owner: str, tag: str) -> None:
        """Prepare calls that use images with this tag."""
        self.owner = owner
        self.tag = tag
        self._layout = layout
        self._call = [*command(COMPOSE), *project_arguments(layout, owner)]
        # What was deployed last starts again, unless a tag is given.
        deployed = layout.deployments / f"{owner}.env"
        if deployed.exists() and not layout.environment.get("TAG"):
            self._call += ["--env-file", str(deployed)]

    def call(self, *arguments: str) -> list[str]:
        """Return the command line of a call, to be run with `environment`."""
        return [*self._call, *arguments]

    @property
    def environment(self) -> dict[str, str]:
        """The variables for Compose to fill in: the layout's settings override those of the files."""
        found = {**self._layout.environment, "PATH": os.environ["PATH"], "TAG": self.tag}
        found.pop("STAGE", None)  # the stage is the owner, whose own file sets it
        return found

    def __call__(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Call Compose and return its output; raises `CannotStart` with its error if it fails."""
        done = subprocess.run(
            self.call(*arguments), env=self.environment, capture_output=True, text=True, check=False
        )
        if check and done.returncode != 0:
            error = (done.stderr.strip() or done.stdout.strip())[-3000:]
            raise CannotStart(f"docker compose {arguments[0]} of {self.owner} failed:\n{error}")
        return done

    def containers(self, service: str, *, every: bool = False) -> list[str]:
        """Return the ids of a service's running containers, or of every one."""
        listed = self("ps", "--quiet", *(("--all",) if every else ()), service)
        return listed.stdout.split()


def project_arguments(layout: Layout, owner: str) -> list[str]:
    """Return the options that pass the files of a stage, or of the platform, to Compose."""
    named = [CONFIGURATION / "platform.env", layout.secrets(PLATFORM)]
    if owner != PLATFORM:
        named += [CONFIGURATION / f"{owner}.env", layout.secrets(owner)]
    options = [("--file", path) for path in layout.files(owner)] + [("--env-file", path) for path in named]
    return [
        "--ansi",
        "never",
        "--progress",
        "quiet",
        *(part for option, path in options for part in (option, str(path))),
    ]


def docker(*arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Call the Docker client; raises `CannotStart` with its error if it fails."""
    call: Sequence[str] = ("docker", *arguments)
    done = subprocess.run(call, capture_output=True, text=True, check=False)
    if check and done.returncode != 0:
        raise CannotStart(f"docker {arguments[0]} failed: {done.stderr.strip()[-2000:]}")
    return done

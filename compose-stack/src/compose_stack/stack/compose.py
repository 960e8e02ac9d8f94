"""Docker Compose, called with the files and settings of one platform."""

import os
import subprocess
from collections.abc import Sequence

from compose_stack.settings import CannotStart
from compose_stack.stack.layout import CONFIGURATION, PLATFORM, Layout
from compose_stack.stack.tools import COMPOSE, command


class Compose:
    """The project of a stage, or of the platform that both share."""

    def __init__(self, layout: Layout, owner: str, tag: str) -> None:
        """Prepare calls that run images of this tag."""
        self.owner = owner
        self.tag = tag
        self._layout = layout
        self._call = [*command(COMPOSE), *project_arguments(layout, owner)]
        # What was deployed is what starts again, until somebody names a tag.
        deployed = layout.deployments / f"{owner}.env"
        if deployed.exists() and not layout.environment.get("TAG"):
            self._call += ["--env-file", str(deployed)]

    def call(self, *arguments: str) -> list[str]:
        """Return the command line for a call, which needs `environment`."""
        return [*self._call, *arguments]

    @property
    def environment(self) -> dict[str, str]:
        """What Compose fills in besides its files: the layout's settings go before theirs."""
        found = {**self._layout.environment, "PATH": os.environ["PATH"], "TAG": self.tag}
        found.pop("STAGE", None)  # the one that was asked for is the owner, whose own file says so
        return found

    def __call__(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Call Compose and return what it printed; raises `CannotStart` with its words if it fails."""
        done = subprocess.run(
            self.call(*arguments), env=self.environment, capture_output=True, text=True, check=False
        )
        if check and done.returncode != 0:
            said = (done.stderr.strip() or done.stdout.strip())[-3000:]
            raise CannotStart(f"docker compose {arguments[0]} of {self.owner} failed:\n{said}")
        return done

    def containers(self, service: str, *, every: bool = False) -> list[str]:
        """Return the ids of a service's containers that run, or of all."""
        listed = self("ps", "--quiet", *(("--all",) if every else ()), service)
        return listed.stdout.split()


def project_arguments(layout: Layout, owner: str) -> list[str]:
    """Return the options that tell Compose the files of a stage, or of the platform."""
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
    """Call the Docker client; raises `CannotStart` with its words if it fails."""
    call: Sequence[str] = ("docker", *arguments)
    done = subprocess.run(call, capture_output=True, text=True, check=False)
    if check and done.returncode != 0:
        raise CannotStart(f"docker {arguments[0]} failed: {done.stderr.strip()[-2000:]}")
    return done

"""The programs a stack needs beside the engine: found where they are, or fetched from Debian.

Compose v2 and buildx are plugins of Docker's client. Distributions that lack them get Debian's builds, which
run on any Linux: `python -m compose_stack.stack.tools` puts them into `.tools/bin`, checked by SHA-256.
"""

import hashlib
import platform
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import httpx

from compose_stack.settings import ROOT, CannotStart

TOOLS = ROOT / ".tools" / "bin"
MIRROR = "http://deb.debian.org/debian"
"""Plain HTTP, as Debian's own: what comes is compared with a hash that stands here."""


@dataclass(frozen=True)
class Plugin:
    """A plugin of Docker's client, and the Debian package that has it."""

    name: str
    package: str
    sha256: str


COMPOSE = Plugin(
    "compose",
    "pool/main/d/docker-compose/docker-compose_2.26.1-4_amd64.deb",
    "47681197cb2b1ab88206b42a1a92fc75f50d9530a6322d03494a473eed0408ea",
)
BUILDX = Plugin(
    "buildx",
    "pool/main/d/docker-buildx/docker-buildx_0.13.1+ds1-3_amd64.deb",
    "fcf8c48204d1603c8f209451d7827eb91bf30759578baf7704e9e1a87e5f1d7f",
)


def command(plugin: Plugin) -> tuple[str, ...]:
    """Return how a plugin is called here; raises `CannotStart` if it is nowhere to be found."""
    fetched = TOOLS / f"docker-{plugin.name}"
    if fetched.exists():
        return (str(fetched),)
    docker = shutil.which("docker")
    if docker and _answers((docker, plugin.name, "version")):
        return (docker, plugin.name)
    raise CannotStart(
        f"Docker's plugin {plugin.name!r} is not installed: install it, or let `make stack-tools` fetch it."
    )


def engine_runs() -> bool:
    """Return whether a Docker engine answers here."""
    docker = shutil.which("docker")
    return docker is not None and _answers((docker, "version", "--format", "{{.Server.Version}}"))


def fetch(plugin: Plugin) -> Path:
    """Put a plugin into `.tools/bin` from its Debian package; raises `CannotStart` where that cannot be."""
    unpack = shutil.which("dpkg-deb")
    if platform.machine() != "x86_64" or unpack is None:
        raise CannotStart(
            f"Docker's plugin {plugin.name!r} can be fetched for Debian on amd64 only: install it here."
        )
    url = f"{MIRROR}/{plugin.package}"
    try:
        content = httpx.get(url, timeout=120, follow_redirects=True).raise_for_status().content
    except httpx.HTTPError as error:
        raise CannotStart(f"{url} cannot be fetched: {error}") from error
    if hashlib.sha256(content).hexdigest() != plugin.sha256:
        raise CannotStart(f"{url} is not the package that it was: it does not have its SHA-256.")
    target = TOOLS / f"docker-{plugin.name}"
    with tempfile.TemporaryDirectory() as folder:
        package = Path(folder, "package.deb")
        package.write_bytes(content)
        subprocess.run((unpack, "--extract", str(package), folder), check=True)
        TOOLS.mkdir(parents=True, exist_ok=True)
        draft = target.with_suffix(".new")
        shutil.copyfile(Path(folder, "usr/libexec/docker/cli-plugins", target.name), draft)
        draft.chmod(0o755)
        draft.replace(target)
    return target


def main() -> int:
    """Fetch what is missing."""
    try:
        for plugin in (COMPOSE, BUILDX):
            try:
                found = " ".join(command(plugin))
            except CannotStart:
                found = str(fetch(plugin))
            sys.stdout.write(f"{plugin.name:8} {found}\n")
    except CannotStart as error:
        sys.exit(str(error))
    return 0


def _answers(call: tuple[str, ...]) -> bool:
    try:
        return subprocess.run(call, capture_output=True, check=False, timeout=20).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


if __name__ == "__main__":
    sys.exit(main())

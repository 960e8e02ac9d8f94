"""The programs a stack needs beside the Docker engine: those installed, or else Debian's.

Compose v2 and buildx are plugins of the Docker client. Where they are not installed, Debian's builds, which
run on any Linux, are used: `python -m compose_stack.stack.tools` puts them into `.tools/bin`, verified by
SHA-256. The same goes for debootstrap, a script, and Debian's keys, which base images are made with.
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
DEBOOTSTRAP_FOLDER = ROOT / ".tools" / "debootstrap"
MIRROR = "http://deb.debian.org/debian"
"""Plain HTTP, like Debian's own tools: downloads are verified against the hashes below."""


@dataclass(frozen=True)
class Package:
    """A Debian package: its path on a mirror, and its hash."""

    path: str
    sha256: str


@dataclass(frozen=True)
class Plugin:
    """A plugin of the Docker client, and the package that contains it."""

    name: str
    package: Package


COMPOSE = Plugin(
    "compose",
    Package(
        "pool/main/d/docker-compose/docker-compose_2.26.1-4_amd64.deb",
        "47681197cb2b1ab88206b42a1a92fc75f50d9530a6322d03494a473eed0408ea",
    ),
)
BUILDX = Plugin(
    "buildx",
    Package(
        "pool/main/d/docker-buildx/docker-buildx_0.13.1+ds1-3_amd64.deb",
        "fcf8c48204d1603c8f209451d7827eb91bf30759578baf7704e9e1a87e5f1d7f",
    ),
)
DEBOOTSTRAP = (
    Package(
        "pool/main/d/debootstrap/debootstrap_1.0.128+nmu2+deb12u2_all.deb",
        "63f354316e9bbe747b143b7b0d83e5f237c90314a17734fba9ff202c2ef02760",
    ),
    Package(
        "pool/main/d/debian-archive-keyring/debian-archive-keyring_2023.3+deb12u2_all.deb",
        "f699e2f88dca05212f2a452b58475f2993cb6993dfbafb1d0205a3291eb8b4b8",
    ),
)
KEYS = Path("usr/share/keyrings/debian-archive-keyring.gpg")


def command(plugin: Plugin) -> tuple[str, ...]:
    """Return the command for a plugin; raises `CannotStart` if it is not installed."""
    fetched = TOOLS / f"docker-{plugin.name}"
    if fetched.exists():
        return (str(fetched),)
    docker = shutil.which("docker")
    if docker and _answers((docker, plugin.name, "version")):
        return (docker, plugin.name)
    raise CannotStart(
        f"The Docker plugin {plugin.name!r} is not installed: install it, or run `make stack-tools`."
    )


def engine_runs() -> bool:
    """Return whether a Docker engine answers here."""
    docker = shutil.which("docker")
    return docker is not None and _answers((docker, "version", "--format", "{{.Server.Version}}"))


def debootstrap() -> tuple[list[str], dict[str, str]]:
    """Return the command for debootstrap and its environment; fetch it if necessary.

    It refuses packages not signed by Debian. Raises `CannotStart` if it cannot be fetched.
    """
    installed = shutil.which("debootstrap")
    if installed and (Path("/") / KEYS).exists():
        return _checking(installed, Path("/")), {}
    if not DEBOOTSTRAP_FOLDER.exists():
        draft = DEBOOTSTRAP_FOLDER.with_suffix(".new")
        shutil.rmtree(draft, ignore_errors=True)
        for package in DEBOOTSTRAP:
            unpack(package, draft)
        draft.replace(DEBOOTSTRAP_FOLDER)
    program = str(DEBOOTSTRAP_FOLDER / "usr/sbin/debootstrap")
    home = {"DEBOOTSTRAP_DIR": str(DEBOOTSTRAP_FOLDER / "usr/share/debootstrap")}
    return _checking(program, DEBOOTSTRAP_FOLDER), home


def fetch(plugin: Plugin) -> Path:
    """Put a plugin into `.tools/bin` from its Debian package; raises `CannotStart` if that fails."""
    if platform.machine() != "x86_64":
        raise CannotStart(
            f"The Docker plugin {plugin.name!r} can only be fetched for amd64: install it yourself."
        )
    target = TOOLS / f"docker-{plugin.name}"
    with tempfile.TemporaryDirectory() as folder:
        unpack(plugin.package, Path(folder))
        TOOLS.mkdir(parents=True, exist_ok=True)
        draft = target.with_suffix(".new")
        shutil.copyfile(Path(folder, "usr/libexec/docker/cli-plugins", target.name), draft)
        draft.chmod(0o755)
        draft.replace(target)
    return target


def unpack(package: Package, folder: Path) -> None:
    """Unpack a package into a folder; raises `CannotStart` if it cannot be fetched or its hash differs."""
    extract = shutil.which("dpkg-deb")
    url = f"{MIRROR}/{package.path}"
    if extract is None:
        raise CannotStart(f"{url} cannot be unpacked: dpkg-deb is not installed.")
    try:
        content = httpx.get(url, timeout=120, follow_redirects=True).raise_for_status().content
    except httpx.HTTPError as error:
        raise CannotStart(f"{url} cannot be fetched: {error}") from error
    if hashlib.sha256(content).hexdigest() != package.sha256:
        raise CannotStart(f"{url} is not the expected package: its SHA-256 differs.")
    with tempfile.NamedTemporaryFile(suffix=".deb") as file:
        file.write(content)
        file.flush()
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run((extract, "--extract", file.name, str(folder)), check=True)


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


def _checking(program: str, root: Path) -> list[str]:
    return [program, "--force-check-gpg", f"--keyring={root / KEYS}"]


def _answers(call: tuple[str, ...]) -> bool:
    try:
        return subprocess.run(call, capture_output=True, check=False, timeout=20).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


if __name__ == "__main__":
    sys.exit(main())

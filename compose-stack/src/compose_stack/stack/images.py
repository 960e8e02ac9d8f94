"""`make images` and `make images-offline`: every image of a stack, built on this machine.

    debian   debootstrap | docker import          offline only: else debian:bookworm-slim is pulled
    python   debian + Debian's Python 3.11        offline only: else python:3.11-slim-bookworm is pulled
    postgres, mosquitto, caddy, s3, mlflow        the infrastructure, from Debian packages and wheels
    data-processor, pipeline-api, streamlit-ui    the services, from their own Dockerfiles

Builds read the settings of a package mirror or proxy from this machine's own configuration, as build secrets,
which end up in no layer. Every image is tagged with the revision of the code, so a stack says exactly what it
runs.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from compose_stack.settings import ROOT, CannotStart
from compose_stack.stack.compose import docker
from compose_stack.stack.layout import CONFIGURATION, Layout
from compose_stack.stack.tools import BUILDX, MIRROR, command, debootstrap

PREFIX = "loopkeeper"
DEBIAN, PYTHON = "debian:bookworm-slim", "python:3.11-slim-bookworm"
SUITE = "bookworm"
AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")
UNWANTED = ("usr/share/doc/*", "usr/share/info/*", "usr/share/locale/*", "usr/share/man/*")
"""What Debian's slim images leave out too, now and whenever a package is installed in them."""
LEFT_OVER = ("var/cache/apt/*", "var/lib/apt/lists/*", "var/log/*")
MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Recipe:
    """One image: its name, the folder it is built from, and its Dockerfile."""

    name: str
    context: Path
    dockerfile: Path
    limit_mb: int | None = None
    """Its maximum size."""


RECIPES = (
    *(
        Recipe(name, CONFIGURATION / "images", CONFIGURATION / f"images/{name}.Dockerfile")
        for name in ("postgres", "mosquitto", "caddy", "s3")
    ),
    Recipe("mlflow", ROOT / "compose-stack/mlflow-server", CONFIGURATION / "images/mlflow.Dockerfile"),
    *(
        Recipe(name, ROOT / name, ROOT / name / "Dockerfile", limit)
        for name, limit in (("streamlit-ui", 450), ("pipeline-api", 450), ("data-processor", 1500))
    ),
)


class Builder:
    """Build images with BuildKit, tagged with the revision."""

    def __init__(self, revision: str, debian: str | None = None, python: str | None = None) -> None:
        """Build on these base images; by default on those that the Dockerfiles name, perhaps by digest."""
        self._buildx = command(BUILDX)
        self._revision = revision
        given = {"DEBIAN_IMAGE": debian, "PYTHON_IMAGE": python}
        self._bases = {name: image for name, image in given.items() if image}

    def build(self, recipe: Recipe) -> str:
        """Build an image and return its name with its tag."""
        name = f"{PREFIX}/{recipe.name}:{self._revision}"
        self.build_from(recipe.dockerfile, recipe.context, name)
        return name

    def build_from(self, dockerfile: Path, context: Path, name: str) -> None:
        """Build an image under a name; raises `CannotStart` with the end of the build output."""
        arguments = self._bases | {"CODE_REVISION": self._revision}
        with _secrets() as given:
            call = [*self._buildx, "build", "--load", "--progress=plain", "--network=host"]
            for key, value in arguments.items():
                if f"ARG {key}" in dockerfile.read_text():
                    call += ["--build-arg", f"{key}={value}"]
            for key, path in given.items():
                call += ["--secret", f"id={key},src={path}"]
            _run([*call, "--file", str(dockerfile), "--tag", name, str(context)], name)


def offline_builder(revision: str, *, renew: bool = False) -> Builder:
    """Return a builder on local base images, making those that are missing; `renew` makes both again."""
    debian, python = f"{PREFIX}/{DEBIAN}", f"{PREFIX}/{PYTHON}"
    builder = Builder(revision, debian, python)
    if renew or not exists(debian):
        make_debian(debian)
    if renew or not exists(python):
        builder.build_from(CONFIGURATION / "images/python.Dockerfile", CONFIGURATION / "images", python)
    return builder


def make_debian(name: str, packages: Sequence[str] = ("ca-certificates",)) -> None:
    """Make a minimal Debian image from the packages of a mirror alone."""
    if os.geteuid() != 0:
        raise CannotStart("debootstrap needs root: run `sudo make images-offline`.")
    call, home = debootstrap()
    with tempfile.TemporaryDirectory(prefix="debootstrap-") as folder:
        root = Path(folder, "root")
        include = f"--include={','.join(packages)}"
        _run([*call, "--variant=minbase", include, SUITE, str(root), MIRROR], name, home)
        (root / "etc/apt/apt.conf.d/90lean").write_text(
            'APT::Install-Recommends "false";\nAcquire::Languages "none";\n'
        )
        (root / "etc/dpkg/dpkg.cfg.d/90lean").write_text(
            "".join(f"path-exclude=/{pattern}\n" for pattern in UNWANTED)
        )
        excluded = [f"--exclude=./{pattern}" for pattern in (*UNWANTED, *LEFT_OVER)]
        tar = ["tar", "--create", "--numeric-owner", *excluded, "--directory", str(root), "."]
        load = [
            "docker",
            "import",
            "--change",
            'CMD ["bash"]',
            "--change",
            "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "-",
            name,
        ]
        with subprocess.Popen(tar, stdout=subprocess.PIPE) as packing:
            subprocess.run(load, stdin=packing.stdout, check=True, stdout=subprocess.DEVNULL)
        if packing.returncode != 0:
            raise CannotStart(f"{name} could not be packed: tar failed with exit code {packing.returncode}.")


def revision(root: Path = ROOT) -> str:
    """Return the tag for what is in the tree: its commit, and whether it has changed since.

    Raises `CannotStart` if git does not know.
    """
    call = ("git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*")
    done = subprocess.run(call, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise CannotStart(
            f"git does not know the revision of {root}, which images are tagged with: clone the tree "
            f"instead of copying it. git said: {done.stderr.strip()}"
        )
    return f"sha-{done.stdout.strip()}"


def exists(name: str) -> bool:
    """Return whether the engine has an image."""
    return docker("image", "inspect", name, check=False).returncode == 0


def size_of(name: str) -> int:
    """Return the bytes of an image, all layers together."""
    return int(docker("image", "inspect", "--format", "{{.Size}}", name).stdout)


def main() -> int:
    """Build the images asked for, print their sizes, and fail if one is too large."""
    parser = argparse.ArgumentParser(description="Build the images of a stack.")
    parser.add_argument("names", nargs="*", help="which images (default: all)")
    parser.add_argument("--offline", action="store_true", help="build the base images from Debian packages")
    parser.add_argument("--renew", action="store_true", help="with --offline: make the base images again")
    parser.add_argument("--tag", help="default: the revision of the code")
    asked = parser.parse_args()
    if asked.renew and not asked.offline:
        parser.error("--renew applies to locally made base images: use it with --offline.")
    try:
        return _build(asked.names, asked.tag or revision(), offline=asked.offline, renew=asked.renew)
    except CannotStart as error:
        sys.exit(str(error))


def _build(names: Sequence[str], tag: str, *, offline: bool, renew: bool) -> int:
    if unknown := set(names) - {recipe.name for recipe in RECIPES}:
        raise CannotStart(
            f"There is no image {', '.join(sorted(unknown))}: the images are "
            f"{', '.join(recipe.name for recipe in RECIPES)}."
        )
    builder = offline_builder(tag, renew=renew) if offline else Builder(tag)
    too_large = []
    for recipe in RECIPES:
        if names and recipe.name not in names:
            continue
        name = builder.build(recipe)
        megabytes = size_of(name) / MEGABYTE
        allowed = f"of {recipe.limit_mb} MB" if recipe.limit_mb else ""
        sys.stdout.write(f"{name:55} {megabytes:7.0f} MB {allowed}\n")
        sys.stdout.flush()
        if recipe.limit_mb and megabytes > recipe.limit_mb:
            too_large.append(name)
    if not names:
        built = Layout.from_environment().built()
        built.parent.mkdir(parents=True, exist_ok=True)
        built.write_text(f"{tag}\n")
    if too_large:
        sys.stdout.write(f"Too large: {', '.join(too_large)}.\n")
    return 1 if too_large else 0


@contextmanager
def _secrets() -> Iterator[dict[str, Path]]:
    """Yield this machine's own configuration of pip, uv and TLS, if it has any."""
    with tempfile.TemporaryDirectory(prefix="build-secrets-") as folder:
        uv = Path(folder, "uv.toml")
        own = Path(os.environ.get("UV_CONFIG_FILE") or Path.home() / ".config/uv/uv.toml")
        text = own.read_text() if own.exists() else ""
        # The certificate authorities of this machine, perhaps those of a proxy, instead of uv's own.
        uv.write_text(text if "system-certs" in text else f"system-certs = true\n{text}")
        found = {"uv.toml": uv, "pip.conf": Path("/etc/pip.conf"), "ca-certificates": AUTHORITIES}
        yield {key: path for key, path in found.items() if path.exists()}


def _run(call: Sequence[str], name: str, environment: Mapping[str, str] = MappingProxyType({})) -> None:
    done = subprocess.run(
        call,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        last = "\n".join(done.stdout.splitlines()[-30:])
        raise CannotStart(f"{name} could not be built:\n{last}")


if __name__ == "__main__":
    sys.exit(main())

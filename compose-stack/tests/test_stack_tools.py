"""Programs that are fetched from a mirror; here the mirror is a folder."""

import hashlib
import shutil
import subprocess
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from compose_stack.settings import CannotStart
from compose_stack.stack import tools
from compose_stack.stack.tools import KEYS, Package, debootstrap, unpack

SCRIPT = "usr/sbin/debootstrap"


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    if shutil.which("dpkg-deb") is None:
        pytest.skip("dpkg-deb, which unpacks what is fetched, is not installed here.")
    folder = tmp_path / "mirror"
    folder.mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
    monkeypatch.setattr(tools, "MIRROR", f"http://127.0.0.1:{server.server_port}")
    try:
        yield folder
    finally:
        server.shutdown()
        server.server_close()


def package(mirror: Path, name: str, holds: Path) -> Package:
    """Put a package on the mirror that has one file."""
    tree = mirror.parent / name
    (tree / "DEBIAN").mkdir(parents=True)
    control = f"Package: {name}\nVersion: 1\nArchitecture: all\nMaintainer: a <a@b.c>\nDescription: a\n"
    (tree / "DEBIAN/control").write_text(control)
    (tree / holds).parent.mkdir(parents=True)
    (tree / holds).write_text(f"{name}\n")
    target = mirror / f"{name}.deb"
    subprocess.run(
        ("dpkg-deb", "--root-owner-group", "--build", str(tree), str(target)), check=True, capture_output=True
    )
    return Package(target.name, hashlib.sha256(target.read_bytes()).hexdigest())


def test_a_package_is_unpacked_where_it_should_be(mirror: Path, tmp_path: Path) -> None:
    unpack(package(mirror, "one", Path(SCRIPT)), tmp_path / "here")
    assert (tmp_path / "here" / SCRIPT).read_text() == "one\n"


def test_another_package_than_it_was_is_refused(mirror: Path, tmp_path: Path) -> None:
    other = Package(package(mirror, "one", Path(SCRIPT)).path, "0" * 64)
    with pytest.raises(CannotStart, match=r"one\.deb is not the expected package"):
        unpack(other, tmp_path / "here")
    assert not (tmp_path / "here").exists()


def test_a_package_that_is_not_there_is_named(mirror: Path, tmp_path: Path) -> None:
    assert mirror
    with pytest.raises(CannotStart, match=r"none\.deb cannot be fetched: .*404"):
        unpack(Package("none.deb", ""), tmp_path / "here")


def test_debootstrap_is_fetched_with_its_keys_and_once(
    mirror: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packages = (package(mirror, "one", Path(SCRIPT)), package(mirror, "keys", KEYS))
    folder = tmp_path / "fetched"
    monkeypatch.setattr(tools, "DEBOOTSTRAP", packages)
    monkeypatch.setattr(tools, "DEBOOTSTRAP_FOLDER", folder)
    # As on a machine where debootstrap is not installed.
    monkeypatch.setattr(
        shutil, "which", lambda name, known=shutil.which: None if name == "debootstrap" else known(name)
    )
    command, environment = debootstrap()
    assert command == [str(folder / SCRIPT), "--force-check-gpg", f"--keyring={folder / KEYS}"]
    assert environment == {"DEBOOTSTRAP_DIR": str(folder / "usr/share/debootstrap")}
    assert (folder / KEYS).read_text() == "keys\n"
    shutil.rmtree(mirror)
    assert debootstrap() == (command, environment)

"""Put uv, which installs everything else, at .tools/bin/uv: the one on the PATH, else a pinned one.

Needs only Python's standard library, because it is the first thing that runs.
"""

import os
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path

PINNED = "0.13.8"
OLDEST = (0, 9)
TOOLS = Path(__file__).resolve().parents[1] / ".tools"
OURS = TOOLS / "bin" / "uv"


def version_of(program: str) -> tuple[int, ...]:
    """Return the version of a uv, (0,) if it does not run."""
    try:
        answer = subprocess.run([program, "--version"], check=True, capture_output=True, text=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return (0,)
    found = re.search(r"uv (\d+)\.(\d+)", answer)
    return tuple(int(part) for part in found.groups()) if found else (0,)


def install() -> str:
    """Install the pinned uv with pip and return its path; exit with advice if that fails."""
    requirement = f"uv=={PINNED}"
    home = TOOLS / "uv"
    shutil.rmtree(home, ignore_errors=True)
    pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    try:
        import ensurepip  # noqa: F401, PLC0415 - Debian leaves it out of python3
    except ImportError:
        # Outside an environment; --target only writes into the given folder.
        command = [sys.executable, *pip, "--target", str(home), requirement]
    else:
        venv.create(home, with_pip=True, symlinks=True)
        command = [str(home / "bin" / "python"), *pip, requirement]
    if subprocess.run(command, check=False).returncode != 0:
        sys.exit(
            "uv could not be installed. Install it yourself (https://docs.astral.sh/uv/), or provide what\n"
            "Python needs to do so: access to the package index and, on Debian and Ubuntu,\n"
            "`sudo apt install python3-venv`."
        )
    return str(home / "bin" / "uv")


def main() -> None:
    """Link .tools/bin/uv to a uv that is new enough."""
    found = shutil.which("uv", path=os.pathsep.join(p for p in os.get_exec_path() if Path(p) != OURS.parent))
    if found is None or version_of(found) < OLDEST:
        sys.stderr.write(f"Installing uv {PINNED} into .tools\n")
        found = install()
    OURS.parent.mkdir(parents=True, exist_ok=True)
    OURS.unlink(missing_ok=True)
    OURS.symlink_to(found)


if __name__ == "__main__":
    main()

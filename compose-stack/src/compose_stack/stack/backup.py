"""`make backup` and `make restore`: all data of a stack, as one consistent set in one folder.

Whatever a record refers to is written before the record: objects, then the commit of a dataset, then MLflow's
rows, then the stages' databases. They are copied in the opposite order while everything runs, so each part
contains everything that the parts copied before it refer to. Nothing is changed in place, so extra data does
no harm.

A backup does not contain secrets, which belong elsewhere, nor MLflow's logins, which are made from them; nor
uploads that have not been confirmed, pictures, of which the records hold the faces, log files, and telemetry.
"""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from compose_stack.settings import CannotStart
from compose_stack.stack.compose import Compose
from compose_stack.stack.layout import PLATFORM, STAGES, Layout
from compose_stack.stack.secrets import make_secrets

CONTENTS = "contents.json"
PARTS = ("records", "gateway", "predictions", "jobs", "warehouse")
"""The databases of a stage; those that refer to rows of others come first."""
MLFLOW = "mlflow"
WATCHER = "watcher"
"""Where a stack with telemetry notes how old the last backup is; it is in no backup itself."""


@dataclass(frozen=True)
class Volume:
    """A volume, and the shell scripts that copy it to standard output and fill it from standard input."""

    name: str
    file: str
    image: str
    """An image whose user owns the contents of the volume."""
    folder: str
    """The folder of that image to mount it on, where the scripts run."""
    copy: str
    fill: str


VOLUMES = (
    Volume(
        "dataset-repository",
        "datasets.bundle",
        "data-processor",
        "/var/lib/data-processor",
        # A copy of its files could hold a branch before its commits; a bundle is complete.
        "if [ -d datasets.git ]; then git -C datasets.git bundle create --quiet - --all; fi",
        "cat > /tmp/bundle; [ -s /tmp/bundle ] || exit 0; "
        "git init --quiet --bare --initial-branch=main datasets.git.new; "
        "git -C datasets.git.new fetch --quiet /tmp/bundle 'refs/*:refs/*'; "
        "mv datasets.git.new datasets.git",
    ),
    Volume(
        "objects",
        "objects.tar",
        "s3",
        "/var/lib/s3",
        # 1: a file changed meanwhile, to which no record copied before can refer.
        "tar --create . || [ $? = 1 ]",
        "tar --extract",
    ),
)
"""In the order of copying."""

Say = Callable[[str], None]


def backup(layout: Layout, target: Path, say: Say) -> None:
    """Copy a running stack into a new folder; raises `CannotStart`."""
    target.mkdir(mode=0o700, parents=True)
    platform = _platform(layout)
    there = _query(platform, "postgres", "SELECT datname FROM pg_database").splitlines()
    for database, _ in _databases():
        if database in there:
            command = f"pg_dump --format=custom --host=127.0.0.1 --username=postgres {database}"
            call = platform.call("exec", "-T", "postgres", *_as_superuser(command))
            _into(target / f"{database}.dump", platform.environment, call)
    for volume in VOLUMES:
        call = _within(layout, platform, volume, volume.copy, mode="ro")
        _into(target / volume.file, dict(os.environ), call)
    files = sorted(path for path in target.iterdir() if path.name != CONTENTS)
    contents = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "tag": platform.tag,
        "sha256": {path.name: _sha256(path) for path in files},
    }
    (target / CONTENTS).write_text(f"{json.dumps(contents, indent=2)}\n")
    size = sum(path.stat().st_size for path in files)
    if WATCHER in there:
        _query(platform, WATCHER, f"INSERT INTO backups VALUES (now(), {size})")  # noqa: S608  # a number
    say(f"Backed up {len(files)} files, {size / 1e6:.1f} MB, to {target}.")


def restore(layout: Layout, source: Path, say: Say) -> None:
    """Fill an empty stack from a backup; raises `CannotStart` if it is not empty or the backup incomplete."""
    _require_complete(source)
    make_secrets(layout)
    platform = _platform(layout)
    platform("create", "s3", "buckets", "mlflow")
    platform("up", "--detach", "--wait", "postgres")
    platform("up", "databases")
    for stage in STAGES:
        Compose(layout, stage, platform.tag)("run", "--rm", "--no-deps", "databases")
    dumped = [(name, owner) for name, owner in _databases() if (source / f"{name}.dump").exists()]
    for database, _ in dumped:
        tables = "SELECT count(*) FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        if _query(platform, database, tables) != "0":
            raise CannotStart(
                f"Database {database} is not empty: a backup can only be restored into an empty stack."
            )
    for database, owner in dumped:
        command = f"pg_restore --exit-on-error --no-owner --role={owner} --host=127.0.0.1 --username=postgres"
        call = platform.call("exec", "-T", "postgres", *_as_superuser(f"{command} --dbname={database}"))
        _out_of(source / f"{database}.dump", platform.environment, call)
    for volume in VOLUMES:
        call = _within(layout, platform, volume, volume.fill, mode="rw")
        _out_of(source / volume.file, dict(os.environ), call)
    say(f"Restored {source}. Start the stages with `make stack-up STAGE=…`.")


def _databases() -> list[tuple[str, str]]:
    """Return every database in a backup, with its owner, in the order of copying."""
    of_stages = [
        (f"{stage}_{part}", f"{stage}_{'gateway' if part == 'gateway' else 'processor'}")
        for stage in STAGES
        for part in PARTS
    ]
    return [*of_stages, (MLFLOW, MLFLOW)]


def _platform(layout: Layout) -> Compose:
    return Compose(layout, PLATFORM, layout.tag(PLATFORM, keep=True))


def _as_superuser(command: str) -> tuple[str, ...]:
    # The password is already in the container's environment, and never shows in a list of processes.
    return ("sh", "-c", f'PGPASSWORD="$POSTGRES_PASSWORD" exec {command}')


def _query(platform: Compose, database: str, query: str) -> str:
    command = (
        f"psql --no-psqlrc --tuples-only --no-align --host=127.0.0.1 --username=postgres --dbname={database}"
    )
    return platform("exec", "-T", "postgres", *_as_superuser(f'{command} --command="{query}"')).stdout.strip()


def _within(layout: Layout, platform: Compose, volume: Volume, script: str, mode: str) -> list[str]:
    """Return the command for a container that runs a script in a volume and can reach nothing else."""
    mounted = f"{layout.setting('PLATFORM')}-{volume.name}:{volume.folder}:{mode}"
    image = f"{layout.setting('IMAGES')}/{volume.image}:{platform.tag}"
    isolated = ("--network=none", "--cap-drop=ALL", "--security-opt=no-new-privileges", "--read-only")
    where = ("--tmpfs=/tmp", "--volume", mounted, "--workdir", volume.folder, "--entrypoint", "sh")
    return ["docker", "run", "--rm", "--interactive", *isolated, *where, image, "-euc", script]


def _into(path: Path, environment: dict[str, str], call: list[str]) -> None:
    with path.open("xb") as file:
        done = subprocess.run(
            call, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.PIPE, env=environment, check=False
        )
        os.fsync(file.fileno())
    if done.returncode != 0:
        raise CannotStart(f"{path.name} could not be copied: {done.stderr.decode(errors='replace')[-1000:]}")


def _out_of(path: Path, environment: dict[str, str], call: list[str]) -> None:
    with path.open("rb") as file:
        done = subprocess.run(call, stdin=file, env=environment, capture_output=True, check=False)
    if done.returncode != 0:
        raise CannotStart(
            f"{path.name} could not be restored: {done.stderr.decode(errors='replace')[-1000:]}"
        )


def _require_complete(source: Path) -> None:
    try:
        listed = json.loads((source / CONTENTS).read_text())["sha256"]
    except (OSError, ValueError, KeyError) as error:
        raise CannotStart(f"{source} is not a complete backup: its {CONTENTS} cannot be read.") from error
    for name, sha256 in listed.items():
        if not (source / name).exists() or _sha256(source / name) != sha256:
            raise CannotStart(f"{name} in {source} is missing, or differs from what was backed up.")


def _sha256(path: Path) -> str:
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def main() -> int:
    """Back up to, or restore from, the given folder; print why and return 1 if that fails."""
    layout = Layout.from_environment()
    action, *named = sys.argv[1:]

    def say(line: str) -> None:
        sys.stdout.write(f"{line}\n")

    try:
        if action == "restore":
            restore(layout, Path(*named).resolve(), say)
        else:
            at = datetime.now(UTC).strftime("%Y-%m-%dT%H-%M-%SZ")
            backup(layout, Path(named[0]).resolve() if named else layout.state / "backups" / at, say)
    except (CannotStart, FileExistsError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""What the collector asks PostgreSQL, tried on a real one: its role, the record of backups, the queries."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from compose_stack.instance import free_ports
from compose_stack.observability.prometheus import FOLDER
from compose_stack.stack.layout import CONFIGURATION

IMAGES = CONFIGURATION / "images"
PASSWORD = "of-the-watcher"
NOBODY = 65534
START_S = 60.0


@pytest.fixture(scope="module")
def server() -> Iterator[dict[str, str]]:
    """Start a PostgreSQL of this test's own; yield the environment to reach it as its superuser."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    initdb = Path(shutil.which("initdb") or (found[-1] if found else "missing"))
    if not initdb.exists():
        pytest.skip("PostgreSQL is not installed here.")
    (port,) = free_ports(1)
    with tempfile.TemporaryDirectory(prefix="loopkeeper-postgres-") as folder:
        as_root = os.getuid() == 0
        if as_root:  # PostgreSQL refuses to run as root
            os.chown(folder, NOBODY, NOBODY)
        user = NOBODY if as_root else None
        data = Path(folder, "data")
        programs = Path(folder, "bin")
        programs.mkdir()
        for name in ("postgres-prepare", "postgres-watcher"):  # with the mode that the image gives them
            shutil.copyfile(IMAGES / name, programs / name)
            (programs / name).chmod(0o755)
        secret = Path(folder, "password")
        secret.write_text("of-the-superuser\n")
        secret.chmod(0o644)
        options = (
            f"--pgdata={data}",
            "--username=postgres",
            "--auth=scram-sha-256",
            "--no-sync",
            f"--pwfile={secret}",
        )
        subprocess.run((initdb, *options), user=user, check=True, capture_output=True, cwd=folder)
        command = (initdb.with_name("postgres"), "-D", data, "-p", str(port), "-k", folder, "-F")
        with subprocess.Popen(
            command, user=user, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as process:
            try:
                environment = {
                    "PATH": f"{programs}:{initdb.parent}:{os.environ['PATH']}",
                    "PGHOST": "127.0.0.1",
                    "PGPORT": str(port),
                    "PGUSER": "postgres",
                    "PGPASSWORD": "of-the-superuser",
                    "PASSWORD_watcher": PASSWORD,
                }
                deadline = time.monotonic() + START_S
                while subprocess.run(("pg_isready", "-q"), env=environment, check=False).returncode:
                    assert time.monotonic() < deadline, "PostgreSQL does not start"
                    time.sleep(0.1)
                yield environment
            finally:
                process.terminate()


def query(environment: dict[str, str], sql: str, database: str = "watcher") -> list[dict[str, str]]:
    """Return the rows that a query answers, as the collector sees them: by name, as text."""
    command = ("psql", "--no-psqlrc", "--csv", "--set=ON_ERROR_STOP=1", f"--dbname={database}")
    done = subprocess.run(
        (*command, f"--command={sql}"), env=environment, check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    head, *rows = [line.split(",") for line in done.stdout.splitlines() if "," in line or line] or [[]]
    return [dict(zip(head, row, strict=True)) for row in rows]


@pytest.fixture(scope="module")
def watcher(server: dict[str, str]) -> dict[str, str]:
    """Prepare the server as the stack's job does, twice; return the environment of the collector's role."""
    for _ in range(2):
        done = subprocess.run(("postgres-watcher",), env=server, check=False, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    return {**server, "PGUSER": "watcher", "PGPASSWORD": PASSWORD}


def asked() -> list[dict[str, Any]]:
    config = yaml.safe_load((FOLDER / "collector" / "config.yaml").read_text())
    found: list[dict[str, Any]] = config["receivers"]["sqlquery"]["queries"]
    return found


def test_every_query_of_the_collector_is_answered_with_the_columns_that_its_metrics_take(
    watcher: dict[str, str],
) -> None:
    for question in asked():
        rows = query(watcher, question["sql"])
        assert rows, question["sql"]
        for metric in question["metrics"]:
            for row in rows:
                assert float(row[metric["value_column"]]) >= 0, metric["metric_name"]
                assert {row[column] for column in metric.get("attribute_columns", ())} != {""}


def test_the_last_backup_is_known_and_before_the_first_it_is_zero(
    server: dict[str, str], watcher: dict[str, str]
) -> None:
    (sql,) = [question["sql"] for question in asked() if "backups" in question["sql"]]
    assert query(watcher, sql) == [{"at": "0"}]
    query(server, "INSERT INTO backups VALUES (now() - interval '1 day', 5), (now(), 7)")
    (row,) = query(watcher, sql)
    assert abs(time.time() - int(row["at"])) < 60


def test_the_role_sees_figures_and_no_row_of_anyone(server: dict[str, str], watcher: dict[str, str]) -> None:
    query(server, "CREATE TABLE predictions (answer text)", database="postgres")
    command = ("psql", "--no-psqlrc", "--dbname=postgres", "--command=SELECT * FROM predictions")
    done = subprocess.run(command, env=watcher, check=False, capture_output=True, text=True)
    assert "permission denied" in done.stderr
    command = ("psql", "--no-psqlrc", "--dbname=watcher", "--command=DELETE FROM backups")
    done = subprocess.run(command, env=watcher, check=False, capture_output=True, text=True)
    assert "permission denied" in done.stderr

"""`make dashboards` writes the dashboards; `make lint` checks with this what telemetry is configured by."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from compose_stack.observability.dashboards import files
from compose_stack.observability.prometheus import FOLDER, RULES, configuration, write
from compose_stack.settings import CannotStart

DASHBOARDS = FOLDER / "grafana" / "dashboards"
SAMPLE = {
    "MAIN_URL": "https://main.example.org",
    "STAGING_URL": "https://staging.example.org",
    "MAIN_SITE": "main.example.org",
    "STAGING_SITE": "staging.example.org",
    "OTLP_TOKEN": "token",
    "WATCHER_PASSWORD": "password",
}
"""Values for what the collector's configuration is given by its container."""


def check() -> Iterator[str]:
    """Yield what is wrong with rules, scrape jobs, the collector and the dashboards; raises `CannotStart`."""
    promtool = os.environ.get("PROMTOOL") or shutil.which("promtool")
    if not promtool:
        raise CannotStart("promtool is missing: install Debian's package `prometheus`, or set PROMTOOL.")
    yield from _fails(promtool, "check", "rules", *map(str, sorted(RULES.glob("*.yaml"))))
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder, "prometheus.yaml")
        write(config, configuration(SAMPLE))
        yield from _fails(promtool, "check", "config", str(config))
    if collector := os.environ.get("OTELCOL"):
        yield from _fails(collector, "validate", f"--config={FOLDER / 'collector' / 'config.yaml'}")
    for name in files.differing(DASHBOARDS):
        yield f"{DASHBOARDS / name} is not what its code says: run `make dashboards`."


def _fails(*command: str) -> Iterator[str]:
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, env={**SAMPLE, "PATH": os.environ["PATH"]}
    )
    if done.returncode != 0:
        yield (done.stdout + done.stderr).strip()


def main() -> int:
    """Write the dashboards, or check everything; return 1 if something is wrong."""
    if sys.argv[1:] != ["check"]:
        files.write(DASHBOARDS)
        return 0
    try:
        found = list(check())
    except CannotStart as absent:
        found = [str(absent)]
    sys.stderr.writelines(f"{line}\n" for line in found)
    collector = (
        "" if os.environ.get("OTELCOL") else " The collector's own check needs OTELCOL=path, and was skipped."
    )
    sys.stdout.write(f"telemetry: {len(found)} faults.{collector}\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

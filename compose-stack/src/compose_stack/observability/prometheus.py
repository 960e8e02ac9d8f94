"""The collector's scrape jobs as Prometheus has them, so that its own programs can check and run them."""

import copy
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from compose_stack.stack.layout import CONFIGURATION

FOLDER = CONFIGURATION / "observability"
RULES = FOLDER / "mimir" / "rules" / "anonymous"
"""Mimir's ruler reads a folder for each tenant; without tenants there is this one."""
VARIABLE = re.compile(r"\$\{env:([A-Z0-9_]+)\}")

Targets = Mapping[str, Mapping[str, str]]
"""By job: the address of each target, under the name that Docker's DNS would answer with it."""


def scrape_jobs(environment: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the scrape jobs as the collector reads them, with its variables filled in from `environment`."""
    config = yaml.safe_load((FOLDER / "collector" / "config.yaml").read_text())
    jobs: list[dict[str, Any]] = config["receivers"]["prometheus"]["config"]["scrape_configs"]
    filled: list[dict[str, Any]] = [_filled(copy.deepcopy(job), environment) for job in jobs]
    return filled


def configuration(
    environment: Mapping[str, str], targets: Targets | None = None, *, every: str = "15s"
) -> dict[str, Any]:
    """Return a configuration of Prometheus with the stack's jobs and rules.

    With `targets`, only jobs that have some are in it, and find them there instead of in Docker's DNS; how
    they are relabelled stays as it is.
    """
    jobs = scrape_jobs(environment)
    if targets is not None:
        jobs = [_at(job, targets[job["job_name"]]) for job in jobs if job["job_name"] in targets]
    return {
        "global": {"scrape_interval": every, "scrape_timeout": every, "evaluation_interval": every},
        "rule_files": [str(path) for path in sorted(RULES.glob("*.yaml"))],
        "scrape_configs": jobs,
    }


def write(path: Path, config: Mapping[str, Any]) -> None:
    """Write a configuration where a program can read it."""
    path.write_text(yaml.safe_dump(dict(config), sort_keys=False))


def _at(job: dict[str, Any], where: Mapping[str, str]) -> dict[str, Any]:
    job.pop("dns_sd_configs", None)
    job["static_configs"] = [
        {"targets": [address], "labels": {"__meta_dns_name": name}} for name, address in where.items()
    ]
    return job


def _filled(value: Any, environment: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _filled(inner, environment) for key, inner in value.items()}
    if isinstance(value, list):
        return [_filled(inner, environment) for inner in value]
    if isinstance(value, str):
        return VARIABLE.sub(lambda found: environment[found[1]], value).replace("$$", "$")
    return value

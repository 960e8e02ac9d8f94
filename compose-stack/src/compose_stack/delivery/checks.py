"""`make lint-delivery`: lint everything that delivers, without a network and without a Docker engine.

Workflows are checked against GitHub's schema and for security problems; every shell script, including those
inside workflows, every Dockerfile and Renovate's configuration is linted.
"""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from compose_stack.settings import ROOT

SKIPPED = {".git", ".venv", ".tools", "var", "_build", "dist", "node_modules", "__pycache__"}
SHELLS = ("#!/usr/bin/env bash", "#!/bin/bash", "#!/bin/sh")
SCHEMA = ("check-jsonschema", "--quiet", "--builtin-schema")
ZIZMOR = ("zizmor", "--offline", "--quiet", "--no-progress", "--persona=pedantic")
TOO_LARGE = 1_000_000
"""Bytes; a larger file is not a script and need not be read to know."""


@dataclass(frozen=True)
class Check:
    """One call of a linter; `text` is its input if what it lints is not a file of its own."""

    what: str
    command: Sequence[str]
    text: str | None = None

    def run(self, root: Path) -> str:
        """Return what the linter reports; empty if it reports nothing."""
        done = subprocess.run(
            self.command, cwd=root, check=False, capture_output=True, text=True, input=self.text or ""
        )
        return "" if done.returncode == 0 else f"{self.what}\n{(done.stdout + done.stderr).strip()}\n"


def files(folder: Path) -> Iterator[Path]:
    """Yield every file below a folder, except generated ones."""
    for path in sorted(folder.iterdir()):
        if path.is_symlink():
            continue
        if path.is_file():
            yield path
        elif path.name not in SKIPPED and not path.name.endswith("_cache"):
            yield from files(path)


def checks_of(root: Path) -> Iterator[Check]:
    """Yield the checks for a tree, or for a folder that has become its own repository."""
    paths = [path.relative_to(root) for path in files(root)]
    workflows = [path for path in paths if path.parent.name == "workflows" and path.suffix == ".yml"]
    if workflows:
        named = [str(path) for path in workflows]
        yield Check("GitHub's schema", (*SCHEMA, "vendor.github-workflows", *named))
        config = root / ".github" / "zizmor.yml"
        configured = [f"--config={config}"] if config.exists() else []
        yield Check("zizmor", (*ZIZMOR, *configured, *named))
    for path in workflows:
        for name, script in scripts_of(yaml.safe_load((root / path).read_text())):
            yield Check(f"{path}: {name}", ("shellcheck", "--shell=bash", "-"), script)
    scripts = [str(path) for path in paths if is_shell(root / path)]
    if scripts:
        yield Check("shellcheck", ("shellcheck", *scripts))
    dockerfiles = [str(path) for path in paths if path.name == "Dockerfile" or path.suffix == ".Dockerfile"]
    if dockerfiles:
        config = root / ".github" / "hadolint.yml"
        configured = [f"--config={config}"] if config.exists() else []
        yield Check("hadolint", ("hadolint", *configured, *dockerfiles))
    for path in paths:
        if path.name == "renovate.json":
            yield Check("Renovate's schema", (*SCHEMA, "vendor.renovate", str(path)))


def scripts_of(workflow: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield each shell script in a workflow, with where it stands.

    It contains no GitHub expressions (zizmor makes sure of that): input arrives in variables.
    """
    for job_name, job in workflow.get("jobs", {}).items():
        for number, step in enumerate(job.get("steps", ()), 1):
            if "run" in step:
                yield f"{job_name}, {step.get('name', f'step {number}')}", step["run"]


def is_shell(path: Path) -> bool:
    """Return whether a file is a shell script."""
    if path.suffix not in ("", ".sh") or path.stat().st_size > TOO_LARGE:
        return False
    return path.read_bytes().startswith(tuple(shell.encode() for shell in SHELLS))


def main() -> int:
    """Print what the linters report; return 1 if they report anything."""
    checks = list(checks_of(ROOT))
    with ThreadPoolExecutor() as pool:
        found = [text for text in pool.map(lambda check: check.run(ROOT), checks) if text]
    sys.stdout.writelines(found)
    sys.stdout.write(f"{len(checks)} checks, {len(found)} failed\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

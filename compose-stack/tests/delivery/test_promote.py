"""The one script inside a workflow, run as GitHub runs it, with a `gh` that records its arguments."""

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from compose_stack.settings import ROOT


class Repository:
    """A clone with the branches develop and staging, and a fake gh on the PATH."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        workflow = yaml.safe_load((ROOT / ".github/workflows/promote.yml").read_text())
        (self.script,) = (step["run"] for step in workflow["jobs"]["offer"]["steps"] if "run" in step)
        (folder / "gh").write_text(
            '#!/bin/sh\nif [ "$2" = list ]; then cat open; else printf "%s|" "$@" >> said; fi\n'
        )
        (folder / "gh").chmod(0o755)
        (folder / "open").write_text("")
        self.git("init", "--quiet", "--initial-branch=develop")
        self.commit("one")
        self.push("staging")

    def git(self, *arguments: str) -> None:
        who = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
        subprocess.run(["git", *who, *arguments], cwd=self.folder, check=True, capture_output=True)

    def commit(self, subject: str) -> None:
        self.git("commit", "--quiet", "--allow-empty", "-m", subject)
        self.push("develop")

    def push(self, branch: str) -> None:
        self.git("update-ref", f"refs/remotes/origin/{branch}", "HEAD")

    def promote(self, to: str = "staging") -> Any:
        environment = {"PATH": f"{self.folder}:{os.environ['PATH']}", "FROM": "develop", "TO": to}
        # As GitHub calls bash.
        command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", self.script]
        return subprocess.run(
            command, cwd=self.folder, env=environment, check=False, capture_output=True, text=True
        )

    def said(self) -> str:
        path = self.folder / "said"
        return path.read_text() if path.exists() else ""


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path)


def test_what_is_new_is_offered_once(repository: Repository) -> None:
    repository.commit("two; $(touch bad)")
    assert repository.promote().returncode == 0
    assert repository.said().startswith(
        "pr|create|--base|staging|--head|develop|--title|Promote develop to staging|"
    )
    assert "- two; $(touch bad)" in repository.said()
    assert not (repository.folder / "bad").exists()


def test_an_offer_that_is_open_is_renewed(repository: Repository) -> None:
    (repository.folder / "open").write_text("7\n")
    repository.commit("two")
    repository.commit("three")
    assert repository.promote().returncode == 0
    assert repository.said().startswith("pr|edit|7|--body|Merging this deploys to staging.")
    assert "- three\n- two" in repository.said()


def test_without_anything_new_nothing_is_offered(repository: Repository) -> None:
    assert repository.promote().returncode == 0
    assert repository.said() == ""


def test_a_branch_that_is_missing_is_named(repository: Repository) -> None:
    done = repository.promote("main")
    assert done.returncode == 1
    assert "There is no branch main" in done.stderr

"""A folder becomes a repository of its own: split off, pushed, cloned alone, and worked in."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from compose_stack.delivery.problems import CommandFailed, Problem
from compose_stack.delivery.split import split
from compose_stack.settings import ROOT

UV = os.environ.get("UV") or shutil.which("uv") or "uv"
WHO = ("-c", "user.name=a", "-c", "user.email=a@example.org")


def git(*arguments: str | Path) -> str:
    return subprocess.run(
        ["git", *WHO, *arguments], check=True, capture_output=True, text=True
    ).stdout.strip()


def commit(tree: Path, name: str, subject: str) -> None:
    (tree / name).parent.mkdir(parents=True, exist_ok=True)
    (tree / name).write_text(subject)
    git("-C", tree, "add", "--all")
    git("-C", tree, "commit", "--quiet", "-m", subject)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    tree = tmp_path / "tree"
    git("init", "--quiet", "--initial-branch=main", tree)
    commit(tree, "service/a", "first of the service")
    commit(tree, "other/b", "of another")
    commit(tree, "service/a", "second of the service")
    commit(tree, ".github/workflows/x.yml", "a workflow")
    commit(tree, ".github/workflows/delivery.yml", "the tree's own")
    commit(tree, ".github/profile/README.md", "a profile")
    return tree


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    remote = tmp_path / "remote.git"
    git("init", "--quiet", "--bare", "--initial-branch=main", remote)
    return remote


def files_in(remote: Path) -> list[str]:
    return git("-C", remote, "ls-tree", "-r", "--name-only", "main").split("\n")


def test_a_folder_is_pushed_with_its_history_and_nothing_else(tree: Path, remote: Path) -> None:
    split(tree, "service", str(remote))
    assert files_in(remote) == ["a"]
    assert git("-C", remote, "log", "--format=%s", "main").split("\n") == [
        "second of the service",
        "first of the service",
    ]


def test_more_history_is_a_fast_forward(tree: Path, remote: Path) -> None:
    split(tree, "service", str(remote))
    commit(tree, "service/a", "third")
    split(tree, "service", str(remote))
    assert git("-C", remote, "log", "--format=%s", "main").count("\n") == 2


def test_commits_of_the_remote_s_own_are_not_overwritten(tree: Path, remote: Path, tmp_path: Path) -> None:
    split(tree, "service", str(remote))
    git("clone", "--quiet", remote, tmp_path / "clone")
    commit(tmp_path / "clone", "mine", "made there")
    git("-C", tmp_path / "clone", "push", "--quiet")
    commit(tree, "service/a", "third")
    with pytest.raises(CommandFailed, match="rejected"):
        split(tree, "service", str(remote))


def test_the_organisation_s_folder_keeps_workflows_where_github_looks(tree: Path, remote: Path) -> None:
    split(tree, ".github", str(remote))
    assert files_in(remote) == [".github/workflows/x.yml", "profile/README.md"]


@pytest.mark.parametrize(
    ("folder", "remote", "branch", "sentence"),
    [
        ("nothing", "x", "main", "SERVICE must be a folder of the tree"),
        ("", "x", "main", "SERVICE must be a folder of the tree"),
        ("../tree", "x", "main", "SERVICE must be a folder of the tree"),
        ("service", "", "main", "REMOTE must be a repository"),
        ("service", "--mirror", "main", "REMOTE must be a repository"),
        ("service", "x", "--force", "BRANCH must be the name of a branch"),
        ("empty", "x", "main", "No commit contains empty"),
    ],
)
def test_what_cannot_be_split_is_named(
    tree: Path, folder: str, remote: str, branch: str, sentence: str
) -> None:
    (tree / "empty").mkdir()
    with pytest.raises(Problem, match=sentence):
        split(tree, folder, remote, branch)


@pytest.mark.services
def test_a_service_alone_is_clean_and_its_tests_pass(tmp_path: Path, remote: Path) -> None:
    """The tree as it lies here, committed or not, because what is about to be committed is what must hold."""
    tree = tmp_path / "tree"
    git("init", "--quiet", "--initial-branch=main", tree)
    there = ("--git-dir", str(tree / ".git"), "--work-tree", str(ROOT))
    git(*there, "add", "--all")
    git(*there, "commit", "--quiet", "-m", "the tree")
    git("-C", tree, "reset", "--quiet", "--hard")

    split(tree, "streamlit-ui", str(remote))
    git("clone", "--quiet", remote, tmp_path / "alone" / "streamlit-ui")
    alone = tmp_path / "alone" / "streamlit-ui"
    for needed in ("LICENSE", ".gitignore", ".github/workflows/service.yml", "uv.lock", "Dockerfile"):
        assert (alone / needed).is_file(), needed

    environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    # Not its types: they take by far the longest, and nothing in them depends on where the folder is.
    quick = "PYTEST=tests/test_settings.py tests/test_client.py"
    for call in ((UV, "run", "--frozen", "ruff", "check", "."), ("make", "test", quick, f"UV={UV}")):
        done = subprocess.run(call, cwd=alone, env=environment, check=False, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
    assert git("-C", alone, "status", "--porcelain") == ""

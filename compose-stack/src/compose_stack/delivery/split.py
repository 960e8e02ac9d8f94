"""`make split SERVICE=data-processor REMOTE=…`: give a folder a repository of its own, with its history.

What is pushed is the same for the same history, so that a later split of more history is a fast-forward. The
split is git-filter-repo's, which git's own manual recommends over what git brings.
"""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from compose_stack.delivery.problems import CommandFailed, Problem
from compose_stack.settings import ROOT

ORGANISATION = ".github"
"""The folder that becomes GitHub's repository for an organisation: its profile stands at the top there, while
reusable workflows stay where GitHub looks for them."""
PROFILE = ("--path-rename", ".github/profile/:profile/")
BRANCH = re.compile(r"[A-Za-z0-9][\w./-]*")


def split(tree: Path, folder: str, remote: str, branch: str = "main") -> str:
    """Push a folder of a repository, as its last commit has it, to a remote's branch; return the new commit.

    Raises Problem when there is no such folder, or the remote's branch has commits of its own.
    """
    if not folder or not (tree / folder).is_dir() or (tree / folder).resolve().parent != tree.resolve():
        raise Problem(
            f"SERVICE must be a folder of the tree, as in SERVICE=data-processor, and is {folder!r}."
        )
    if not remote or remote.startswith("-"):
        raise Problem(f"REMOTE must be a repository to push to, and is {remote!r}.")
    if not BRANCH.fullmatch(branch):
        raise Problem(f"BRANCH must be the name of a branch, and is {branch!r}.")
    with tempfile.TemporaryDirectory(prefix="split-") as scratch:
        copy = str(Path(scratch) / "tree.git")
        # The copy holds what HEAD is, under one name; everything else would only be rewritten for nothing.
        git("clone", "--quiet", "--bare", "--no-local", "--single-branch", str(tree), copy)
        _run(
            (sys.executable, "-m", "git_filter_repo", "--force", "--quiet", *_selection(folder)),
            cwd=Path(copy),
        )
        try:
            commit = git("-C", copy, "rev-parse", "--verify", "HEAD").strip()
        except CommandFailed as error:
            raise Problem(f"No commit of the tree has anything in {folder}: commit it first.") from error
        # A remote path is relative to where the caller stands, not to the copy.
        git("-C", copy, "push", "--quiet", str(_absolute(remote)), f"{commit}:refs/heads/{branch}")
    return commit


def git(*arguments: str) -> str:
    """Return what a git command printed; raise CommandFailed when it ends with an error."""
    return _run(("git", *arguments))


def _selection(folder: str) -> tuple[str, ...]:
    if folder == ORGANISATION:
        # Not the workflows that call: they are the tree's own.
        return ("--path-regex", r"^\.github/(?!workflows/(ci|delivery)\.yml)", *PROFILE)
    return ("--subdirectory-filter", folder)


def _absolute(remote: str) -> str | Path:
    return Path(remote).resolve() if Path(remote).is_dir() else remote


def _run(command: Sequence[str], cwd: Path | None = None) -> str:
    done = subprocess.run(
        command, cwd=cwd, check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL
    )
    if done.returncode != 0:
        raise CommandFailed(command, done.returncode, done.stderr or done.stdout)
    return done.stdout


def main() -> int:
    """Split as the environment says; return 1, with a sentence, when that cannot be."""
    service, remote = os.environ.get("SERVICE", ""), os.environ.get("REMOTE", "")
    branch = os.environ.get("BRANCH") or "main"
    try:
        commit = split(ROOT, service, remote, branch)
    except Problem as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{remote} has {service} on {branch} at {commit[:12]}.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""`make split SERVICE=data-processor REMOTE=…`: give a folder its own repository, with its history.

The same history gives the same commits, so a later split of more history is a fast-forward. The work is done
by git-filter-repo, which git's own manual recommends over what git includes.
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
reusable workflows stay where GitHub expects them."""
PROFILE = ("--path-rename", ".github/profile/:profile/")
BRANCH = re.compile(r"[A-Za-z0-9][\w./-]*")


def split(tree: Path, folder: str, remote: str, branch: str = "main") -> str:
    """Push a folder of a repository, as of its last commit, to a branch of a remote; return the new commit.

    Raises Problem if there is no such folder, or if the remote's branch has commits of its own.
    """
    if not folder or not (tree / folder).is_dir() or (tree / folder).resolve().parent != tree.resolve():
        raise Problem(f"SERVICE must be a folder of the tree, such as data-processor, not {folder!r}.")
    if not remote or remote.startswith("-"):
        raise Problem(f"REMOTE must be a repository to push to, not {remote!r}.")
    if not BRANCH.fullmatch(branch):
        raise Problem(f"BRANCH must be the name of a branch, not {branch!r}.")
    with tempfile.TemporaryDirectory(prefix="split-") as scratch:
        copy = str(Path(scratch) / "tree.git")
        # The copy holds only the current branch: rewriting any other would be wasted work.
        git("clone", "--quiet", "--bare", "--no-local", "--single-branch", str(tree), copy)
        _run(
            (sys.executable, "-m", "git_filter_repo", "--force", "--quiet", *_selection(folder)),
            cwd=Path(copy),
        )
        try:
            commit = git("-C", copy, "rev-parse", "--verify", "HEAD").strip()
        except CommandFailed as error:
            raise Problem(f"No commit contains {folder}: commit it first.") from error
        # A remote path is relative to the working directory of the caller, not to the copy.
        git("-C", copy, "push", "--quiet", str(_absolute(remote)), f"{commit}:refs/heads/{branch}")
    return commit


def git(*arguments: str) -> str:
    """Return the output of a git command; raise CommandFailed if it fails."""
    return _run(("git", *arguments))


def _selection(folder: str) -> tuple[str, ...]:
    if folder == ORGANISATION:
        # Not the calling workflows: they belong to the tree itself.
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
    """Split as the environment says; print why and return 1 if that fails."""
    service, remote = os.environ.get("SERVICE", ""), os.environ.get("REMOTE", "")
    branch = os.environ.get("BRANCH") or "main"
    try:
        commit = split(ROOT, service, remote, branch)
    except Problem as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"Pushed {service} to {branch} of {remote}, at {commit[:12]}.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

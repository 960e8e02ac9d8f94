"""Tables as immutable versions: real DVC in a real git repository. The only module that imports dvc.

    working copy (ours alone, can be made again) ── git push ──▶ bare repository: which versions there are
                        └────────────────────────── dvc push ──▶ DVC remote: the tables themselves

A version exists once its tag, `<dataset>-v<N>`, is in the bare repository, and its table is in the DVC remote
by then. Whatever was begun and not pushed is forgotten by the next who writes: killed at any point, a write
either happened or did not, and who repeats it with the same `request` gets the version it made. One lock
orders writers on this machine; those on others meet at the push, which only one of them wins.

DVC runs in this process: a version takes 0.1 s, against 2 s with its command line, most of them start-up.
"""

import fcntl
import json
import logging
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import stamina

os.environ.setdefault("DVC_NO_ANALYTICS", "true")

TABLE = "table.parquet"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")
"""What a dataset may be called: it becomes a folder and a part of a tag."""
_STORE = "store"
_BRANCH = "main"
_OURS = "loopkeeper.working-copy"
"""The git setting that marks a working copy in which everything may be thrown away."""
_GIT = (
    "git",
    *("-c", "user.name=Loopkeeper", "-c", "user.email=loopkeeper@localhost"),
    # What somebody configured for their own work must not sign, refuse or rewrite ours.
    *("-c", "commit.gpgsign=false", "-c", "tag.gpgsign=false", "-c", "core.hooksPath=/dev/null"),
    *("-c", "core.autocrlf=false", "-c", "protocol.file.allow=always"),
)


@dataclass(frozen=True, slots=True)
class TableVersion:
    """One immutable version of a table, as the dataset repository knows it."""

    number: int
    revision: str
    """The git commit."""
    request: str
    """What asked for it: the same request never makes two versions."""
    facts: Mapping[str, Any]
    """What was recorded about it when it was made."""


class DatasetRepositoryError(Exception):
    """The dataset repository cannot do what it was asked; the message says what git or DVC said."""


class _OvertakenError(Exception):
    """Somebody else pushed first."""


@dataclass(frozen=True)
class DvcRepository:
    """The dataset repository of this stack."""

    working_copy: Path
    """A folder of its own; made when it is first needed."""
    remote: str
    """The bare git repository: a path, where it is made if absent, or a URL."""
    store: str
    """The DVC remote: a path or a URL."""

    def find(self, dataset: str, request: str) -> TableVersion | None:
        """Return the version of a dataset that a request made, if it did."""
        with self._held():
            return self._find(dataset, request)

    def versions(self, dataset: str) -> list[TableVersion]:
        """Return every version of a dataset, whichever stack made it."""
        with self._held():
            return self._versions(dataset)

    def commit(
        self, dataset: str, table: bytes | Path, facts: Mapping[str, Any], request: str
    ) -> TableVersion:
        """Make a table, or the file with it, a dataset's next version, once per request; return that.

        `facts` are kept with it. Raises `DatasetRepositoryError`.
        """
        if not NAME.fullmatch(dataset):
            raise DatasetRepositoryError(
                f"A dataset cannot be called {dataset!r}: letters, digits, - and _, at most 100."
            )
        for attempt in stamina.retry_context(on=_OvertakenError, attempts=5, wait_initial=0.05):
            with attempt, self._held():
                made = self._find(dataset, request)
                return made or self._make(dataset, table, facts, request)
        raise AssertionError  # the last attempt returns or raises

    def read(self, dataset: str, number: int) -> bytes:
        """Return the table of a version, from DVC's cache or its remote; raises `DatasetRepositoryError`."""
        from dvc.exceptions import DvcException  # noqa: PLC0415  # half a second nobody else should wait for
        from dvc.fs.dvc import DVCFileSystem  # noqa: PLC0415
        from dvc.repo import Repo  # noqa: PLC0415
        from dvc.scm import SCMError  # noqa: PLC0415

        tag = _tag(dataset, number)
        if not (self.working_copy / ".git").exists() or not self._git("tag", "--list", tag):
            with self._held():  # another stack may have made it
                pass
        try:
            # `dvc.api.read` would open the repository once more, without this configuration.
            with Repo(str(self.working_copy), rev=tag, config=self._config()) as repo:
                content: bytes = DVCFileSystem(repo=repo).cat_file(f"/{dataset}/{TABLE}")
        except (DvcException, SCMError, OSError) as error:
            raise DatasetRepositoryError(
                f"Version {number} of {dataset!r} cannot be read: {error}"
            ) from error
        return content

    def _make(
        self, dataset: str, table: bytes | Path, facts: Mapping[str, Any], request: str
    ) -> TableVersion:
        number = 1 + max((version.number for version in self._versions(dataset)), default=0)
        tag, path = _tag(dataset, number), self.working_copy / dataset / TABLE
        path.parent.mkdir(exist_ok=True)
        path.unlink(missing_ok=True)  # it may be a link into DVC's cache
        if isinstance(table, Path):
            shutil.copyfile(table, path)
        else:
            path.write_bytes(table)
        self._dvc_add_and_push(path)
        described = {"dataset": dataset, "version": number, "request": request, "facts": dict(facts)}
        self._git("add", "--all")
        self._git("commit", "--quiet", "--allow-empty", "--message", tag)
        self._git("tag", "--annotate", tag, "--message", json.dumps(described))
        self._push(_BRANCH, tag)
        revision = self._git("rev-parse", f"{tag}^{{commit}}")
        return TableVersion(number, revision, request, dict(facts))

    def _dvc_add_and_push(self, path: Path) -> None:
        from dvc.exceptions import DvcException  # noqa: PLC0415  # see read
        from dvc.repo import Repo  # noqa: PLC0415

        logging.getLogger("dvc").setLevel(logging.WARNING)  # it explains git to people
        try:
            with Repo(str(self.working_copy), config=self._config()) as repo:
                repo.add(str(path))
                repo.push(targets=[f"{path}.dvc"])
        except (DvcException, OSError) as error:
            raise DatasetRepositoryError(f"DVC cannot store {path.parent.name}/{TABLE}: {error}") from error

    def _versions(self, dataset: str) -> list[TableVersion]:
        listed = self._git(
            "for-each-ref",
            "--format=%(*objectname) %(contents:subject)",
            f"refs/tags/{dataset}-v*",
        )
        found = []
        for line in listed.splitlines():
            revision, described = line.split(" ", 1)
            facts = json.loads(described)
            if facts["dataset"] == dataset:
                found.append(TableVersion(facts["version"], revision, facts["request"], facts["facts"]))
        return found

    def _find(self, dataset: str, request: str) -> TableVersion | None:
        return next((found for found in self._versions(dataset) if found.request == request), None)

    @contextmanager
    def _held(self) -> Iterator[None]:
        """Hold the lock over a working copy that says what the bare repository says."""
        self.working_copy.parent.mkdir(parents=True, exist_ok=True)
        lock = self.working_copy.with_name(f"{self.working_copy.name}.lock")
        with lock.open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            self._make_remote()
            self._refresh()
            yield

    def _make_remote(self) -> None:
        if "://" in self.remote or Path(self.remote, "HEAD").exists():
            return
        half = Path(f"{self.remote}.new")
        shutil.rmtree(half, ignore_errors=True)
        _run("init", "--quiet", "--bare", f"--initial-branch={_BRANCH}", str(half))
        half.replace(self.remote)

    def _refresh(self) -> None:
        if not self.working_copy.exists():
            self._clone()
        elif not self._is_ours():
            raise DatasetRepositoryError(
                f"{self.working_copy} is not a working copy of the dataset repository; nothing was changed. "
                "Move it away, or set DATASET_REPOSITORY to a folder that does not exist yet."
            )
        for stale in self._stale_locks():
            stale.unlink(missing_ok=True)
        self._git("remote", "set-url", "origin", self._remote_url())
        self._git("fetch", "--quiet", "--prune", "--prune-tags", "--force", "origin")
        if self._git("for-each-ref", f"refs/remotes/origin/{_BRANCH}"):
            self._git("checkout", "--quiet", "--force", "-B", _BRANCH, f"origin/{_BRANCH}")
            self._git("clean", "--quiet", "--force", "-d")
        else:
            self._lay_out()

    def _clone(self) -> None:
        half = self.working_copy.with_name(f"{self.working_copy.name}.new")
        shutil.rmtree(half, ignore_errors=True)
        _run("clone", "--quiet", self._remote_url(), str(half))
        _run("-C", str(half), "config", _OURS, "true")
        half.replace(self.working_copy)

    def _is_ours(self) -> bool:
        if not (self.working_copy / ".git").exists():
            return False  # git would look for a repository around it
        try:
            return self._git("config", "--get", _OURS) == "true"
        except DatasetRepositoryError:
            return False

    def _lay_out(self) -> None:
        """Make the first commit of an empty bare repository."""
        from dvc.repo import Repo  # noqa: PLC0415  # see read

        logging.getLogger("dvc").setLevel(logging.WARNING)
        before = os.environ.get("DVC_SITE_CACHE_DIR")
        os.environ["DVC_SITE_CACHE_DIR"] = self._site_cache()  # `init` takes no configuration
        try:
            Repo.init(str(self.working_copy), force=True).close()
        finally:
            if before is None:
                del os.environ["DVC_SITE_CACHE_DIR"]
            else:
                os.environ["DVC_SITE_CACHE_DIR"] = before
        self._git("checkout", "--quiet", "-B", _BRANCH)
        self._git("add", "--all")
        self._git("commit", "--quiet", "--allow-empty", "--message", "Lay out the dataset repository")
        self._push(_BRANCH)

    def _push(self, *refs: str) -> None:
        try:
            self._git("push", "--quiet", "--atomic", "origin", *refs)
        except DatasetRepositoryError as error:
            if any(words in str(error) for words in ("fetch first", "non-fast-forward", "already exists")):
                raise _OvertakenError from error
            raise

    def _stale_locks(self) -> Iterator[Path]:
        """Name what a killed git or DVC left behind; we hold the lock, so nobody is at work."""
        git = self.working_copy / ".git"
        yield from git.glob("*.lock")
        yield from (git / "refs").rglob("*.lock")
        yield from (self.working_copy / ".dvc" / "tmp").glob("*lock")

    def _git(self, *arguments: str) -> str:
        return _run("-C", str(self.working_copy), *arguments).strip()

    def _remote_url(self) -> str:
        return self.remote if "://" in self.remote else str(Path(self.remote).absolute())

    def _site_cache(self) -> str:
        return str(self.working_copy.absolute() / ".dvc" / "tmp" / "site")

    def _config(self) -> dict[str, Any]:
        """Return DVC's configuration: none of it is committed, so that stores can move."""
        store = self.store if "://" in self.store else str(Path(self.store).absolute())
        core = {"remote": _STORE, "site_cache_dir": self._site_cache(), "analytics": False}
        return {"core": core, "remote": {_STORE: {"url": store}}}


def _tag(dataset: str, number: int) -> str:
    return f"{dataset}-v{number}"


def _run(*arguments: str) -> str:
    environment = {**os.environ, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):  # set inside a git hook, and not meant for us
        environment.pop(name, None)
    done = subprocess.run([*_GIT, *arguments], capture_output=True, text=True, check=False, env=environment)
    if done.returncode != 0:
        what = arguments[2] if arguments[0] == "-C" else arguments[0]
        raise DatasetRepositoryError(f"git {what} failed: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout

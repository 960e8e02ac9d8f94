"""Tables as immutable versions: real DVC in a real git repository. The only module that imports dvc.

    working copy (ours alone, can be made again) ── git push ──▶ bare repository: which versions there are
                        └────────────────────────── dvc push ──▶ DVC remote: the tables themselves

A version exists once its tag, `<dataset>-v<N>`, is in the bare repository; its table is in the DVC remote by
then. The next writer discards whatever was begun and not pushed: a write that is killed at any point either
happened or did not, and whoever repeats it with the same `request` gets the version that it made. A lock
orders writers on this machine; those on different machines race to push, and exactly one of them wins.

DVC runs in this process: a version takes 0.1 s, against 2 s with its command line, most of it start-up time.
"""

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
from tempfile import TemporaryDirectory
from typing import Any

import stamina
from filelock import FileLock

os.environ.setdefault("DVC_NO_ANALYTICS", "true")

TABLE = "table.parquet"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")
"""What a dataset may be called: its name becomes a folder and part of a tag."""
_MD5 = re.compile(r"^- md5: ([0-9a-f]{32})$", re.MULTILINE)
"""What DVC calls a table by, in the file that stands for it in git."""
_STORE = "store"
_BRANCH = "main"
_OURS = "loopkeeper.working-copy"
"""The git setting that marks a working copy whose content may be discarded."""
_GIT = (
    "git",
    *("-c", "user.name=Loopkeeper", "-c", "user.email=loopkeeper@localhost"),
    # A user's own git configuration must not sign, reject or rewrite our commits.
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
    """The id of the request that made it: the same request never makes two versions."""
    facts: Mapping[str, Any]
    """What its maker recorded about it."""


class DatasetRepositoryError(Exception):
    """The dataset repository failed; the message repeats what git or DVC reported."""


class _OvertakenError(Exception):
    """Another writer pushed first."""


@dataclass(frozen=True)
class DvcRepository:
    """The dataset repository of this stack."""

    working_copy: Path
    """A folder for this purpose alone, created when it is first needed."""
    remote: str
    """The bare git repository: a path, where it is created if absent, or a URL."""
    store: str
    """The DVC remote: a path or a URL."""

    def find(self, dataset: str, request: str) -> TableVersion | None:
        """Return the version of a dataset that a request made, if any."""
        with self._held():
            return self._find(dataset, request)

    def versions(self, dataset: str) -> list[TableVersion]:
        """Return all versions of a dataset, whichever stack made them."""
        with self._held():
            return self._versions(dataset)

    def commit(
        self, dataset: str, table: bytes | Path, facts: Mapping[str, Any], request: str
    ) -> TableVersion:
        """Commit a table, or a file that holds it, as a dataset's next version, once per request; return it.

        `facts` are stored with it. Raises `DatasetRepositoryError`.
        """
        if not NAME.fullmatch(dataset):
            raise DatasetRepositoryError(
                f"A dataset cannot be called {dataset!r}: use at most 100 letters, digits, - and _."
            )
        for attempt in stamina.retry_context(on=_OvertakenError, attempts=5, wait_initial=0.05):
            with attempt, self._held():
                made = self._find(dataset, request)
                return made or self._make(dataset, table, facts, request)
        raise AssertionError  # the last attempt returns or raises

    def read(self, dataset: str, number: int) -> bytes:
        """Return the table of a version, from DVC's cache or its remote; raises `DatasetRepositoryError`."""
        from dvc.exceptions import DvcException  # noqa: PLC0415  # takes half a second, which only this call should pay
        from dvc.fs.dvc import DVCFileSystem  # noqa: PLC0415
        from dvc.repo import Repo  # noqa: PLC0415
        from dvc.scm import SCMError  # noqa: PLC0415

        tag = _tag(dataset, number)
        if not (self.working_copy / ".git").exists() or not self._git("tag", "--list", tag):
            with self._held():  # fetches: another stack may have made it
                pass
        try:
            # DVC keeps an index of what it reads in SQLite, and fails when two readers write to one at once.
            with (
                TemporaryDirectory(prefix="dvc-index-") as index,
                # `dvc.api.read` would open the repository again, without this configuration.
                Repo(str(self.working_copy), rev=tag, config=self._config(index)) as repo,
            ):
                content: bytes = DVCFileSystem(repo=repo).cat_file(f"/{dataset}/{TABLE}")
        except (DvcException, SCMError, OSError) as error:
            raise DatasetRepositoryError(
                f"Version {number} of {dataset!r} cannot be read: {error}"
            ) from error
        return content

    def purge(self, dataset: str, number: int) -> None:
        """Delete the table of a version for good, from the DVC remote and from this machine.

        History keeps that there was a version, with its facts and the table's hash; `read` fails from now on.
        Repeating it changes nothing. Another machine's cache is its own. Raises `DatasetRepositoryError`.
        """
        from dvc.exceptions import DvcException  # noqa: PLC0415  # see read
        from dvc.repo import Repo  # noqa: PLC0415

        with self._held():
            pointer = self._git("show", f"{_tag(dataset, number)}:{dataset}/{TABLE}.dvc")
            found = _MD5.search(pointer)
            if found is None:
                raise DatasetRepositoryError(
                    f"Version {number} of {dataset!r} does not say what its table is."
                )
            try:
                with Repo(str(self.working_copy), config=self._config()) as repo:
                    for kept in (repo.cloud.get_remote_odb(), repo.cache.local):
                        if kept.exists(found[1]):
                            kept.delete(found[1])
            except (DvcException, OSError) as error:
                raise DatasetRepositoryError(
                    f"Version {number} of {dataset!r} cannot be purged: {error}"
                ) from error
            (self.working_copy / dataset / TABLE).unlink(missing_ok=True)

    def _make(
        self, dataset: str, table: bytes | Path, facts: Mapping[str, Any], request: str
    ) -> TableVersion:
        number = 1 + max((version.number for version in self._versions(dataset)), default=0)
        tag, path = _tag(dataset, number), self.working_copy / dataset / TABLE
        path.parent.mkdir(exist_ok=True)
        path.unlink(missing_ok=True)  # it may be a link into the cache of DVC
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

        logging.getLogger("dvc").setLevel(logging.WARNING)  # its hints on git are for people
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
        """Hold the lock of the working copy, brought up to date with the bare repository."""
        with FileLock(f"{self.working_copy}.lock", fallback_to_soft=False):  # the kernel's: it ends with us
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
                f"{self.working_copy} is not a working copy of the dataset repository and was left as it is. "
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
            return False  # git would search the folders above it
        try:
            return self._git("config", "--get", _OURS) == "true"
        except DatasetRepositoryError:
            return False

    def _lay_out(self) -> None:
        """Make the first commit in an empty bare repository."""
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
        """Yield the lock files that a killed git or DVC left behind; we hold ours, so nobody uses them."""
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

    def _config(self, site_cache: str | None = None) -> dict[str, Any]:
        """Return the configuration of DVC; it is never committed, so remotes can move."""
        store = self.store if "://" in self.store else str(Path(self.store).absolute())
        core = {"remote": _STORE, "site_cache_dir": site_cache or self._site_cache(), "analytics": False}
        return {"core": core, "remote": {_STORE: {"url": store}}}


def _tag(dataset: str, number: int) -> str:
    return f"{dataset}-v{number}"


def _run(*arguments: str) -> str:
    environment = {**os.environ, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    for name in (
        "GIT_DIR",
        "GIT_WORK_TREE",
        "GIT_INDEX_FILE",
    ):  # set inside a git hook, for another repository
        environment.pop(name, None)
    done = subprocess.run([*_GIT, *arguments], capture_output=True, text=True, check=False, env=environment)
    if done.returncode != 0:
        what = arguments[2] if arguments[0] == "-C" else arguments[0]
        raise DatasetRepositoryError(f"git {what} failed: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

from data_processor.adapters.dvc_repository import DatasetRepositoryError, DvcRepository

# pygtrie, which dvc uses, warns of a change in itself.
pytestmark = pytest.mark.filterwarnings("ignore:_NoneStep.value:DeprecationWarning")


@pytest.fixture
def repository(tmp_path: Path) -> DvcRepository:
    return DvcRepository(tmp_path / "datasets", str(tmp_path / "datasets.git"), str(tmp_path / "store"))


def git(repository: DvcRepository, *arguments: str) -> str:
    command = ["git", "-C", repository.remote, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def test_a_version_is_a_tag_in_the_bare_repository_and_a_table_in_the_remote(
    repository: DvcRepository,
) -> None:
    made = repository.commit("people", b"one", {"rows": 1}, "first")

    assert made.number == 1
    assert git(repository, "rev-parse", "people-v1^{commit}") == made.revision
    assert "md5: f97c5d29941bfb1b2fdab0874906ab82" in git(
        repository, "show", "people-v1:people/table.parquet.dvc"
    )
    assert [path.read_bytes() for path in Path(repository.store).rglob("*") if path.is_file()] == [b"one"]


def test_every_version_stays_readable_beside_the_others(repository: DvcRepository) -> None:
    for number, table in enumerate([b"one", b"two", b"one"], start=1):
        repository.commit("people", table, {}, f"request {number}")
    repository.commit("pets", b"cat", {}, "request 1 of another dataset")

    assert [repository.read("people", number) for number in (1, 2, 3)] == [b"one", b"two", b"one"]
    assert repository.read("pets", 1) == b"cat"


def test_the_same_request_makes_one_version(repository: DvcRepository) -> None:
    made = repository.commit("people", b"one", {"rows": 1}, "run 7")

    again = repository.commit("people", b"other by now", {"rows": 2}, "run 7")

    assert again == made
    assert repository.find("people", "run 7") == made
    assert repository.find("people", "run 8") is None
    assert repository.read("people", 1) == b"one"


def test_the_working_copy_and_its_cache_can_be_lost(repository: DvcRepository) -> None:
    repository.commit("people", b"one", {}, "first")
    shutil.rmtree(repository.working_copy)

    assert repository.read("people", 1) == b"one"
    assert repository.commit("people", b"two", {}, "second").number == 2


def test_a_folder_that_is_not_ours_is_never_touched(repository: DvcRepository) -> None:
    repository.working_copy.mkdir(parents=True)
    precious = repository.working_copy / "thesis.tex"
    precious.write_text("years of work")

    with pytest.raises(DatasetRepositoryError, match="is not a working copy of the dataset repository"):
        repository.commit("people", b"one", {}, "first")
    (repository.working_copy / ".git").mkdir()
    with pytest.raises(DatasetRepositoryError, match="is not a working copy of the dataset repository"):
        repository.commit("people", b"one", {}, "first")

    assert precious.read_text() == "years of work"


def test_everything_can_be_moved_elsewhere(repository: DvcRepository, tmp_path: Path) -> None:
    repository.commit("people", b"one", {}, "first")
    there = tmp_path / "there"
    there.mkdir()
    for name in ("datasets", "datasets.git", "store"):
        (tmp_path / name).rename(there / name)
    moved = DvcRepository(there / "datasets", str(there / "datasets.git"), str(there / "store"))

    assert moved.commit("people", b"two", {}, "second").number == 2
    assert [moved.read("people", number) for number in (1, 2)] == [b"one", b"two"]


def test_two_working_copies_share_one_history(repository: DvcRepository, tmp_path: Path) -> None:
    other = DvcRepository(tmp_path / "elsewhere", repository.remote, repository.store)
    repository.commit("people", b"one", {}, "first")

    assert other.commit("people", b"two", {}, "second").number == 2
    assert repository.commit("people", b"three", {}, "third").number == 3
    assert repository.read("people", 2) == b"two"


def test_who_is_overtaken_at_the_push_takes_the_next_number(
    repository: DvcRepository, tmp_path: Path
) -> None:
    other = DvcRepository(tmp_path / "elsewhere", repository.remote, repository.store)
    other.commit("people", b"one", {}, "first")
    overtaken = _Interrupted(
        repository, "_push", lambda: other.commit("people", b"two", {}, "second"), once=True
    )

    assert overtaken.commit("people", b"three", {}, "third").number == 3
    assert [other.read("people", number) for number in (1, 2, 3)] == [b"one", b"two", b"three"]


@pytest.mark.parametrize("step", ["_dvc_add_and_push", "_push"])
@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("fresh", [False, True])
def test_an_interrupted_commit_may_be_repeated(
    repository: DvcRepository, step: str, after: bool, fresh: bool
) -> None:
    if not fresh:
        repository.commit("people", b"zero", {}, "earlier")

    def die() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        _Interrupted(repository, step, die, after=after).commit("people", b"one", {"rows": 1}, "run 7")
    made = repository.commit("people", b"one", {"rows": 1}, "run 7")

    assert made.number == (1 if fresh else 2)
    assert repository.read("people", made.number) == b"one"
    assert repository.commit("people", b"two", {}, "run 8").number == made.number + 1


def test_nothing_is_lost_when_writers_are_killed_at_any_time(repository: DvcRepository) -> None:
    repository.commit("people", b"0", {}, "request 0")
    writer = (
        "import sys; from pathlib import Path\n"
        "from data_processor.adapters.dvc_repository import DvcRepository\n"
        "repository = DvcRepository(Path(sys.argv[1]), *sys.argv[2:4])\n"
        "for n in range(int(sys.argv[4]), 10_000):\n"
        "    repository.commit('people', str(n).encode(), {}, f'request {n}')\n"
        "    print(n, flush=True)\n"
    )
    done = 0
    for delay in (0.03, 0.17):
        arguments = [str(repository.working_copy), repository.remote, repository.store, str(done + 1)]
        with subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", writer, *arguments],
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        ) as process:
            assert process.stdout is not None
            acknowledged = [int(process.stdout.readline())]
            time.sleep(delay)
            os.killpg(process.pid, signal.SIGKILL)
            acknowledged += [int(line) for line in process.stdout if line.endswith("\n")]
        done = acknowledged[-1]

    last = repository.commit("people", b"the end", {}, "the end").number
    stored = [repository.read("people", number) for number in range(1, last + 1)]

    assert stored[-1] == b"the end"
    assert [int(table) for table in stored[:-1]] == list(range(last - 1))
    assert last - 1 >= done


def test_reads_at_the_same_time_do_not_disturb_each_other(repository: DvcRepository) -> None:
    tables = {number: f"table {number}".encode() for number in range(1, 5)}
    for number, table in tables.items():
        repository.commit("people", table, {}, f"request {number}")
    start = Barrier(8)

    def read(reader: int) -> list[bytes]:
        start.wait()
        return [repository.read("people", 1 + (reader + turn) % 4) for turn in range(6)]

    with ThreadPoolExecutor(8) as pool:
        for reader, found in enumerate(pool.map(read, range(8))):
            assert found == [tables[1 + (reader + turn) % 4] for turn in range(6)]


def test_a_reader_shares_no_index_with_others(repository: DvcRepository) -> None:
    """DVC's is in SQLite: of 80 reads by four processes at once, three failed on it."""
    repository.commit("people", b"one", {}, "first")
    shared = repository.working_copy / ".dvc" / "tmp" / "site"
    shutil.rmtree(shared)
    assert repository.read("people", 1) == b"one"
    assert not shared.exists()


READER = """
import sys
from pathlib import Path
from data_processor.adapters.dvc_repository import DvcRepository
repository = DvcRepository(Path(sys.argv[1]), sys.argv[2], sys.argv[3])
import dvc.repo, dvc.fs.dvc
print("ready", flush=True)
sys.stdin.readline()
for _ in range(6):
    assert repository.read("people", 1) == b"one"
"""


def test_processes_may_read_at_the_same_time(repository: DvcRepository) -> None:
    repository.commit("people", b"one", {}, "first")
    command = [sys.executable, "-c", READER]
    command += [str(repository.working_copy), repository.remote, repository.store]
    readers = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(3)
    ]
    for reader in readers:
        assert reader.stdout is not None
        assert reader.stdout.readline() == "ready\n"
    for reader in readers:
        assert reader.stdin is not None
        reader.stdin.write("go\n")
        reader.stdin.flush()
    assert [reader.wait(60) for reader in readers] == [0, 0, 0]
    for reader in readers:
        reader.communicate()


def test_a_version_that_does_not_exist_cannot_be_read(repository: DvcRepository) -> None:
    repository.commit("people", b"one", {}, "first")

    with pytest.raises(DatasetRepositoryError, match="Version 2 of 'people' cannot be read"):
        repository.read("people", 2)


@pytest.mark.parametrize("name", ["", "../people", "a b", "-people", "people/1", "x" * 101])
def test_a_name_that_is_no_folder_name_is_refused(repository: DvcRepository, name: str) -> None:
    with pytest.raises(DatasetRepositoryError, match="cannot be called"):
        repository.commit(name, b"one", {}, "first")


def test_what_people_configured_for_their_own_commits_does_not_matter(
    repository: DvcRepository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = tmp_path / "gitconfig"
    theirs.write_text("[commit]\n gpgsign = true\n[tag]\n gpgsign = true\n[user]\n useConfigOnly = true\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(theirs))
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "nowhere"))

    assert repository.commit("people", b"one", {}, "first").number == 1


class _Interrupted(DvcRepository):
    """A repository that is interrupted before or after one of its steps."""

    def __init__(
        self,
        like: DvcRepository,
        step: str,
        interruption: Callable[[], object],
        *,
        after: bool = False,
        once: bool = False,
    ) -> None:
        super().__init__(like.working_copy, like.remote, like.store)
        done = getattr(like, step)
        pending = [interruption]

        def step_and_interruption(*arguments: Any) -> None:
            if after:
                done(*arguments)
            if pending:
                (pending.pop() if once else pending[0])()
            if not after:
                done(*arguments)

        object.__setattr__(self, step, step_and_interruption)

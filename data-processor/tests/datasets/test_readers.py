"""Files that are made to harm, read by real child processes: refused soon, within their memory, in words."""

import asyncio
import contextlib
import io
import json
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, Self

import psutil
import pytest
from pydantic import SecretStr

from data_processor.datasets import readers
from data_processor.datasets.folder import SOURCE_FILE
from data_processor.datasets.readers import Readers
from data_processor.runs.child import ChildGoneError
from data_processor.service.errors import Invalid
from data_processor.settings import Settings
from reading_files import workbook

PEAK_BYTES = 1.2 * 1024**3
"""An idle reader takes a sixth of it, and a small file may take four times that."""
SOON_S = 60
TABLE = b"a,b,c\n" + b"".join(b"%d,%d,x%d\n" % (n, n % 7, n % 3) for n in range(500))


def deep_list() -> bytes:
    return b"[" * 60_000


def deep_object() -> bytes:
    return b'{"a":' * 60_000


def long_texts() -> bytes:
    """Return two texts of 300 MB in a Parquet file of some kilobytes."""
    return written("['x' * 300_000_000, 'y' * 300_000_000]")


def long_text_among_short() -> bytes:
    """Return the same, hidden among many short texts."""
    return written("['x' * 300_000_000] * 2 + ['short'] * 100_000")


def written(texts: str) -> bytes:
    """Return a Parquet file with a column of these texts, made where its memory is nobody else's."""
    program = (
        f"import sys, pyarrow as pa, pyarrow.parquet as pq; texts = {texts}; "
        "table = pa.table({'a': texts, 'b': range(len(texts))}); "
        "pq.write_table(table, sys.stdout.buffer, compression='zstd', use_dictionary=False, "
        "write_statistics=False)"
    )
    return subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, check=True).stdout


def sheet_with(name: str, change: Callable[[bytes], bytes]) -> bytes:
    """Return a workbook with one part changed."""
    target = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(workbook([["a", "b"], [1, 2], [3, 4]]))) as before,
        zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as after,
    ):
        for member in before.namelist():
            content = before.read(member)
            after.writestr(member, change(content) if member == name else content)
    return target.getvalue()


def large_styles() -> bytes:
    more = b'<xf numFmtId="0" fontId="0" fillId="0" borderId="0"/>' * 250_000
    return sheet_with("xl/styles.xml", lambda styles: styles.replace(b"</cellXfs>", more + b"</cellXfs>"))


def many_styles() -> bytes:
    """Return styles that are just not too large."""
    more = b'<xf numFmtId="0" fontId="0" fillId="0" borderId="0"/>' * 140_000
    return sheet_with("xl/styles.xml", lambda styles: styles.replace(b"</cellXfs>", more + b"</cellXfs>"))


def far_row() -> bytes:
    row = b'<row r="900000000"><c r="A900000000" t="n"><v>1</v></c></row></sheetData>'
    return sheet_with("xl/worksheets/sheet1.xml", lambda sheet: sheet.replace(b"</sheetData>", row))


def long_string() -> bytes:
    return b'[{"a": "' + b"x" * 200_000_000 + b'", "b": 1}]'


def long_number() -> bytes:
    return b'{"a": 1, "b": 2}\n{"a": ' + b"9" * 5000 + b', "b": 2}\n'


ATTACKS: dict[str, tuple[Callable[[], bytes], str, str]] = {
    "nested lists": (deep_list, "a.json", "nested too deeply"),
    "nested objects": (deep_object, "a.json", "nested too deeply"),
    "two long texts": (long_texts, "a.parquet", "texts of 286 MB on average"),
    "one long text": (long_text_among_short, "a.parquet", "more memory than files of its size do"),
    "large styles": (large_styles, "a.xlsx", "styles.xml' in the workbook unpacks to 12 MB"),
    "a far row": (far_row, "a.xlsx", "row 900000000 follows row 3"),
    "one long string": (long_string, "a.json", "has more than 8 million characters"),
    "a long number": (long_number, "a.jsonl", "row 2 holds a number of more than 4300 digits"),
}


class Peak:
    """Watches how much memory the children of this process take at most, in bytes."""

    def __init__(self) -> None:
        self.bytes = 0
        self._over = threading.Event()
        self._before = set(psutil.Process().children())
        self._watch = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Self:
        self._watch.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._watch.join()

    def _look(self) -> None:
        while not self._over.wait(0.01):
            for child in set(psutil.Process().children()) - self._before:
                with contextlib.suppress(psutil.Error):
                    self.bytes = max(self.bytes, child.memory_info().rss)


@pytest.fixture
def readers_settings(tmp_path: Path) -> Settings:
    keys: dict[str, Any] = {
        name: SecretStr(name * 3) for name in ("service_token", "caller_key", "signing_key")
    }
    return Settings(state_dir=tmp_path / "state", **keys)


@pytest.fixture
def reader(readers_settings: Settings, tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Read a file as an upload is read."""

    def read(content: bytes, filename: str) -> dict[str, Any]:
        (tmp_path / SOURCE_FILE).write_bytes(content)
        return asyncio.run(Readers(readers_settings).read(tmp_path, filename, {}))

    return read


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_is_refused_soon_and_within_the_memory_of_its_child(
    reader: Callable[..., dict[str, Any]], attack: str
) -> None:
    make, filename, sentence = ATTACKS[attack]
    content = make()
    began = time.monotonic()
    with Peak() as peak, pytest.raises(Invalid) as refused:
        reader(content, filename)
    assert time.monotonic() - began < SOON_S
    assert 0 < peak.bytes < PEAK_BYTES
    assert refused.value.status == 422
    [error] = refused.value.errors or []
    assert sentence in error["message"]
    assert error["loc"] == ["body", "file"]


def test_a_workbook_with_all_the_styles_that_are_read_is_read_soon(
    reader: Callable[..., dict[str, Any]],
) -> None:
    assert reader(many_styles(), "a.xlsx")["rows"] == 2


def test_an_ordinary_file_is_read_within_the_limits(reader: Callable[..., dict[str, Any]]) -> None:
    content = "a,b,c\n" + "".join(f"{n},{n / 7},text {n % 1000}\n" for n in range(100_000))
    assert reader(content.encode(), "a.csv")["rows"] == 100_000


def test_reading_that_takes_too_long_is_refused(
    reader: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    for limit in ("SHORT_S", "_LONG_S", "_LONG_S_PER_MB"):
        monkeypatch.setattr(readers, limit, 0)
    content = json.dumps([{"a": n, "b": f"{n / 7}"} for n in range(500_000)]).encode()
    with pytest.raises(Invalid, match="takes more than 1 s of computing"):
        reader(content, "a.json")


class Slow:
    """Stands in for readers' `Child`: large files take until they are killed."""

    running: ClassVar[list["Slow"]] = []

    def __init__(self, _settings: Any, folder: Path, *, limits: Any) -> None:
        self._large = (folder / SOURCE_FILE).stat().st_size > 1000
        self._limits = limits
        self._killed = threading.Event()
        self.running.append(self)

    def ask(self, _task: str, **_: Any) -> dict[str, Any]:
        if self._large and self._limits.computing_s <= readers.SHORT_S:
            raise ChildGoneError("propose", readers._SPENT)
        if self._large:
            assert self._killed.wait(30)
            raise ChildGoneError("propose", -9)
        return {"rows": 1, "columns": [], "target": None}

    def kill(self) -> None:
        self._killed.set()

    def close(self) -> None:
        self.running.remove(self)


def test_files_that_take_long_keep_no_small_one_waiting(
    readers_settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readers, "Child", Slow)

    async def play() -> None:
        these = Readers(readers_settings)

        def upload(name: str, size: int) -> "asyncio.Task[dict[str, Any]]":
            (tmp_path / name).mkdir()
            (tmp_path / name / SOURCE_FILE).write_bytes(b"x" * size)
            return asyncio.ensure_future(these.read(tmp_path / name, "a.csv", {}))

        hostile = [upload(f"hostile-{n}", 5000) for n in range(6)]
        await asyncio.sleep(0)
        for n in range(5):
            assert (await asyncio.wait_for(upload(f"small-{n}", 10), 20))["rows"] == 1
        assert not any(one.done() for one in hostile)
        for one in hostile:
            one.cancel()
        await asyncio.wait(hostile)
        assert all(one.cancelled() for one in hostile)
        assert Slow.running == []

    asyncio.run(play())


def wait_for_another(process: psutil.Process, before: set[psutil.Process]) -> None:
    while not set(process.children()) - before:
        time.sleep(0.01)


def test_a_child_ends_when_its_reading_is_cancelled(readers_settings: Settings, tmp_path: Path) -> None:
    (tmp_path / SOURCE_FILE).write_bytes(TABLE * 2000)

    async def play() -> None:
        reading = asyncio.ensure_future(Readers(readers_settings).read(tmp_path, "a.csv", {}))
        me = psutil.Process()
        before = set(me.children())
        await asyncio.to_thread(wait_for_another, me, before)
        reading.cancel()
        await asyncio.wait([reading])
        assert reading.cancelled()
        assert set(me.children()) <= before

    asyncio.run(play())

"""Forms on their way to disk, in pieces of any size."""

import asyncio
import errno
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data_processor.datasets.spooling import MAX_FIELD_BYTES, Spool
from data_processor.service.errors import BadRequest, Invalid, TooLarge

FORM = "multipart/form-data; boundary=b"


def part(name: str, content: bytes, filename: str | None = None) -> bytes:
    ending = f'; filename="{filename}"' if filename is not None else ""
    head = f'--b\r\nContent-Disposition: form-data; name="{name}"{ending}\r\n\r\n'
    return head.encode() + content + b"\r\n"


def take(body: bytes, target: Path, size: int = 7, content_type: str = FORM) -> Spool:
    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(body), size):
            yield body[start : start + size]

    spool = Spool(content_type, target)
    asyncio.run(spool.take(chunks()))
    return spool


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(content=st.binary(max_size=300), size=st.integers(1, 400))
def test_a_file_is_on_disk_as_it_was_sent(tmp_path: Path, content: bytes, size: int) -> None:
    body = part("name", b"people") + part("file", content, "a.csv") + part("header", b"") + b"--b--\r\n"
    spool = take(body, tmp_path / "file", size)
    assert (tmp_path / "file").read_bytes() == content
    assert (spool.filename, spool.size) == ("a.csv", len(content))
    assert spool.fields == {"name": "people", "header": ""}


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"", BadRequest),
        (b"no form", BadRequest),
        (part("file", b"1", "a.csv"), BadRequest),
        (part("name", b"a") + b"--b--\r\n", Invalid),
        (part("file", b"1", "a") + part("file", b"2", "b") + b"--b--\r\n", BadRequest),
        (part("name", b"a" * (MAX_FIELD_BYTES + 1)) + b"--b--\r\n", TooLarge),
        (b"".join(part(f"f{n}", b"") for n in range(99)) + b"--b--\r\n", TooLarge),
    ],
)
def test_what_is_no_form_is_refused(tmp_path: Path, body: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        take(body, tmp_path / "file")


@pytest.mark.parametrize("content_type", ["", "text/csv", "multipart/form-data"])
def test_another_kind_of_body_is_refused(tmp_path: Path, content_type: str) -> None:
    with pytest.raises(BadRequest, match="multipart/form-data"):
        take(b"", tmp_path / "file", content_type=content_type)


def test_a_full_disk_is_said_to_be_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_spool: Spool, _file: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Spool, "_flush", full)
    with pytest.raises(OSError, match="No space left"):
        take(part("file", b"1", "a") + b"--b--\r\n", tmp_path / "file")

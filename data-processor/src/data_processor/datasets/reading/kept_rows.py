"""Rows of a sheet that are read again, kept in a file as plain values: reading them back runs nothing."""

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import IO, Any

import msgspec

from data_processor.datasets.reading.structure import Numbered

_LENGTH_BYTES = 8
_INT64 = 2**63


def keep(rows: Sequence[Numbered], kept: IO[bytes]) -> None:
    """Add rows to a file, behind their length in bytes; integers that 64 bits do not hold become texts."""
    packed = msgspec.msgpack.encode([(number, [_packable(value) for value in row]) for number, row in rows])
    kept.write(len(packed).to_bytes(_LENGTH_BYTES))
    kept.write(packed)


def kept_rows(kept: IO[bytes]) -> Iterator[Numbered]:
    """Yield all rows of a file, in the order in which they were kept."""
    kept.seek(0)
    while length := kept.read(_LENGTH_BYTES):
        for number, row in msgspec.msgpack.decode(kept.read(int.from_bytes(length))):
            yield number, [_unpacked(value) for value in row]


def _packable(value: Any) -> Any:
    if isinstance(value, dt.datetime):
        return value.replace(tzinfo=dt.UTC)  # without a zone it would come back as a text
    if type(value) is int and not -_INT64 <= value < _INT64:
        return str(value)
    return value


def _unpacked(value: Any) -> Any:
    return value.replace(tzinfo=None) if isinstance(value, dt.datetime) else value

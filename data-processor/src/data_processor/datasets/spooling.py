"""A multipart upload on its way to disk: a file of any size passes through a megabyte of memory.

The web framework's own form parser would write it to the system's temporary folder first, which often is
memory itself, and copy it from there.
"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import IO

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header

from data_processor.service.errors import BadRequest, Invalid, TooLarge

FILE_FIELD = "file"
MAX_FIELDS = 32
MAX_FIELD_BYTES = 1024
"""Beside the file there are a name and some hints."""
MAX_HEADER_BYTES = 8 * 1024
_FLUSH_BYTES = 1024 * 1024


class Spool:
    """Takes the parts of a form apart while they come in: the file to disk, the other fields to memory."""

    def __init__(self, content_type: str, target: Path) -> None:
        """Expect a form of this `Content-Type`; write its file to a path. Raises `BadRequest`."""
        kind, options = parse_options_header(content_type)
        if kind != b"multipart/form-data" or not options.get(b"boundary"):
            raise BadRequest("A dataset is uploaded as multipart/form-data with the fields file and name.")
        self.fields: dict[str, str] = {}
        self.filename: str | None = None
        self.size = 0
        self._target = target
        self._parser = MultipartParser(
            options[b"boundary"],
            {
                "on_part_begin": self._begin,
                "on_header_field": self._header_name,
                "on_header_value": self._header_value,
                "on_header_end": self._header_end,
                "on_headers_finished": self._headers_finished,
                "on_part_data": self._data,
                "on_part_end": self._end,
                "on_end": self._finish,
            },
        )
        self._waiting = bytearray()
        self._finished = False
        self._begin()

    async def take(self, chunks: AsyncIterator[bytes]) -> None:
        """Write the file of a form to disk as its chunks come in.

        Raises `BadRequest` if it is not a form, `Invalid` if it has no file, `OSError` if the disk is full.
        """
        with self._target.open("wb") as file:
            async for chunk in chunks:
                self._parse(chunk)
                if len(self._waiting) >= _FLUSH_BYTES:
                    await asyncio.to_thread(self._flush, file)
            await asyncio.to_thread(self._flush, file)
        if not self._finished:
            raise BadRequest("The form is incomplete: the request ended early.")
        if self.filename is None:
            raise Invalid(
                "There is no file in the form.",
                errors=[{"loc": ["body", FILE_FIELD], "message": "is missing: send the table as a file"}],
            )

    def _parse(self, chunk: bytes) -> None:
        try:
            self._parser.write(chunk)
        except MultipartParseError as error:
            raise BadRequest("The body is not the form that its Content-Type says it is.") from error

    def _flush(self, file: IO[bytes]) -> None:
        file.write(self._waiting)
        self._waiting.clear()

    def _begin(self) -> None:
        self._headers: dict[str, bytes] = {}
        self._name, self._value = bytearray(), bytearray()
        self._field: str | None = None
        self._content = bytearray()

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]
        self._bound(len(self._name), MAX_HEADER_BYTES)

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]
        self._bound(len(self._value), MAX_HEADER_BYTES)

    def _header_end(self) -> None:
        self._headers[self._name.decode("latin-1").lower()] = bytes(self._value)
        self._bound(len(self._headers), MAX_FIELDS)
        self._name.clear()
        self._value.clear()

    def _headers_finished(self) -> None:
        _, options = parse_options_header(self._headers.get("content-disposition", b""))
        self._field = options.get(b"name", b"").decode("utf-8", "replace")
        if self._field == FILE_FIELD:
            if self.filename is not None:
                raise BadRequest("The form contains two files; a dataset is a single file.")
            self.filename = options.get(b"filename", b"").decode("utf-8", "replace")

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._field == FILE_FIELD:
            self._waiting += data[start:end]
            self.size += end - start
        else:
            self._content += data[start:end]
            self._bound(len(self._content), MAX_FIELD_BYTES)

    def _end(self) -> None:
        if self._field and self._field != FILE_FIELD:
            self.fields[self._field] = self._content.decode("utf-8", "replace")
            self._bound(len(self.fields), MAX_FIELDS)

    def _finish(self) -> None:
        self._finished = True

    def _bound(self, size: int, limit: int) -> None:
        if size > limit:
            raise TooLarge("A field of the form is too large, or there are too many fields.")

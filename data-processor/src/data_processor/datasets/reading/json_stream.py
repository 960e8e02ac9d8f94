"""The values in a JSON file one after the other: of one list, or one value behind the other, as in lines.

Python's own decoder reads each of them from a window that moves over the file. It reads whole numbers of any
size, but ends at a depth that no table has; and a value that does not end within the window is refused.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from data_processor.datasets.reading.refusals import RefusedFileError

MAX_VALUE = 8 * 1024 * 1024
"""Characters of one row."""
_PIECE = 1024 * 1024
_SPACE = re.compile(r"[ \t\r\n\ufeff]*")
_ROW_ENDS = ",]{[ \t\r\n"


class NotJsonError(ValueError):
    """The text is not JSON; the message says where and why."""


class JsonStream:
    """Reads values from a JSON file in an encoding."""

    def __init__(self, path: Path, encoding: str, *, longest: int = MAX_VALUE) -> None:
        """Read values of at most so many characters."""
        self._path = path
        self._encoding = encoding
        self._longest = longest
        self._decode = json.JSONDecoder().raw_decode

    def first_character(self) -> str:
        """Return the character that the document begins with, or nothing if there is none."""
        with self._path.open(encoding=self._encoding, newline="") as file:
            while piece := file.read(_PIECE):
                if text := piece.lstrip(" \t\r\n\ufeff"):
                    return text[0]
        return ""

    def values(self) -> Iterator[Any]:
        """Yield the values. Raises `NotJsonError`, and `RefusedFileError` for one that is too long."""
        try:
            with self._path.open(encoding=self._encoding, newline="") as file:
                yield from self._values(_Window(file))
        except UnicodeDecodeError as error:
            raise NotJsonError(f"it is not encoded in {self._encoding}") from error

    def _values(self, window: "_Window") -> Iterator[Any]:
        listed = window.peek() == "["
        if listed:
            window.at += 1
        count = 0
        while character := window.peek():
            if listed and character == "]":
                window.at += 1
                if window.peek():
                    raise NotJsonError("there is more behind the end of its list")
                return
            if listed and count:
                if character != ",":
                    raise NotJsonError(f"a comma is missing behind row {count}")
                window.at += 1
                window.peek()
            count += 1
            yield self._value(window, count)
        if listed:
            raise NotJsonError(f"its list does not end; it has {count} rows")

    def _value(self, window: "_Window", number: int) -> Any:
        while True:
            try:
                value, end = self._decode(window.text, window.at)
            except json.JSONDecodeError as error:
                if not window.more():
                    raise NotJsonError(f"row {number}: {error.msg}") from error
            except RecursionError as error:
                raise NotJsonError(f"row {number} is nested too deeply") from error
            except ValueError as error:  # Python's limit for the digits of a whole number
                raise NotJsonError(f"row {number} holds a number of more than 4300 digits") from error
            else:
                # A number may go on behind the window.
                if end < len(window.text) or not window.more():
                    window.at = end
                    return value
            if len(window.text) - window.at > self._longest:
                raise RefusedFileError(
                    f"Row {number} of the JSON file has more than {self._longest // 1024**2} million "
                    "characters, or never ends: a row is an object with single values."
                )


class _Window:
    """A part of a text file."""

    def __init__(self, file: IO[str]) -> None:
        self.text = ""
        self.at = 0
        self._file = file

    def peek(self) -> str:
        """Go to the next character that is not a space, and return it, or nothing at the end."""
        while True:
            found = _SPACE.match(self.text, self.at)
            self.at = found.end() if found else self.at
            if self.at < len(self.text):
                return self.text[self.at]
            if not self.more():
                return ""

    def more(self) -> bool:
        """Take in as much again, and forget what was passed; False at the end of the file."""
        rest = self.text[self.at :]
        piece = self._file.read(max(_PIECE, len(rest)))
        self.text, self.at = rest + piece, 0
        return bool(piece)

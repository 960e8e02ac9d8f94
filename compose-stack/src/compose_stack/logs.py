"""The log of a process: one file of bounded size, and the one before it."""

from collections import deque
from pathlib import Path

MOST_BYTES = 8 * 1024 * 1024
"""Size at which a log is rotated; with the one before it, a process keeps at most twice this."""
REMEMBERED_LINES = 20


class ProcessLog:
    """Append what a process writes, and remember its last lines in case it dies."""

    def __init__(self, path: Path, most_bytes: int = MOST_BYTES) -> None:
        """Continue the log at `path`."""
        self.path = path
        self._most_bytes = most_bytes
        self._file = path.open("ab", buffering=0)
        self._size = self._file.tell()
        self._last: deque[bytes] = deque(maxlen=REMEMBERED_LINES)
        self._unfinished = b""

    def write(self, data: bytes) -> None:
        """Append `data`; a full disk may cost log lines, but must not stop the process."""
        self._remember(data)
        try:
            if self._size + len(data) > self._most_bytes:
                self._rotate()
            self._file.write(data)
        except OSError:
            return
        self._size += len(data)

    def last_lines(self) -> list[str]:
        """Return the last lines written, oldest first."""
        lines = [*self._last, self._unfinished] if self._unfinished else list(self._last)
        return [line.decode(errors="replace").rstrip() for line in lines]

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _remember(self, data: bytes) -> None:
        *lines, self._unfinished = (self._unfinished + data).split(b"\n")
        self._last.extend(lines)

    def _rotate(self) -> None:
        self._file.close()
        self.path.replace(self.path.with_suffix(".log.1"))
        self._file = self.path.open("ab", buffering=0)
        self._size = 0

"""What is wrong with a file, for the person who sent it."""

from typing import Any

TOO_MUCH_MEMORY = (
    "Reading the file takes far more memory than files of its size do: check that no cell holds a text of "
    "millions of characters, or upload it in parts."
)


class RefusedFileError(ValueError):
    """A file that cannot become a dataset; the message says what is wrong with it and what to do.

    `field` is the field of the form to change.
    """

    def __init__(self, message: str, field: str = "file") -> None:
        """Say what is wrong with a field of the form."""
        super().__init__(message)
        self.field = field


def counted(number: int, what: str) -> str:
    """Return a number of things: `1 row`, `2 rows`."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def shown(value: Any, length: int = 40) -> str:
    """Return a value from a file, short enough to be shown in a sentence."""
    written = repr(value)
    return written if len(written) <= length else f"{written[: length - 1]}…"

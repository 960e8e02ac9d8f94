"""Errors that say that data can be neither stored nor read just now, and when it is worth trying again.

A full disk, a database that another process has locked, a server that does not answer: nobody who sent the
request is to blame, and it may succeed later. They are recognised by the codes of the operating system, of
SQLite and of PostgreSQL, never by their words; no database driver is imported for that.
"""

import errno
from collections.abc import Iterator
from typing import NamedTuple


class Outage(NamedTuple):
    """Why data cannot be stored or read, as the end of a sentence, and when to try again."""

    reason: str
    retry_after: float
    """Seconds."""


FULL = Outage("there is no room left on the disk", 30)
LOCKED = Outage("another process has locked the database", 5)
READ_ONLY = Outage("the disk or the database can only be read", 30)
FAULTY = Outage("the disk does not take what is written to it", 30)
UNREACHABLE = Outage("the database cannot be reached", 5)
EXHAUSTED = Outage("the database serves too many others", 5)
FILES = Outage("too many files are open", 5)

_SYSTEM = {
    errno.ENOSPC: FULL,
    errno.EDQUOT: FULL,
    errno.EFBIG: FULL,
    errno.EROFS: READ_ONLY,
    errno.EIO: FAULTY,
    errno.EMFILE: FILES,
    errno.ENFILE: FILES,
}
# https://sqlite.org/rescode.html: the lowest byte of an extended code is its primary code.
_SQLITE = {5: LOCKED, 6: LOCKED, 8: READ_ONLY, 10: FAULTY, 13: FULL, 14: UNREACHABLE}
_PRIMARY = 0xFF
# https://www.postgresql.org/docs/current/errcodes-appendix.html: whole codes first, then classes.
_POSTGRESQL = {
    "53100": FULL,
    "25006": READ_ONLY,
    "55P03": LOCKED,
    "40001": LOCKED,
    "40P01": LOCKED,
    "57P01": UNREACHABLE,
    "57P02": UNREACHABLE,
    "57P03": UNREACHABLE,
    "53": EXHAUSTED,
    "08": UNREACHABLE,
    "58": FAULTY,
}
# Without a code of the server, the driver says that there was no answer.
_UNANSWERED = {("psycopg", "OperationalError"), ("psycopg", "InterfaceError")}
_POOL_EMPTY = ("sqlalchemy", "TimeoutError")


def outage(error: BaseException) -> Outage | None:
    """Return why data cannot be stored or read if an error, or what caused it, says so; else None."""
    return next((found for one in _causes(error) if (found := _said_by(one))), None)


def _said_by(error: BaseException) -> Outage | None:
    if isinstance(error, OSError):
        return _SYSTEM.get(error.errno or 0)
    sqlite = getattr(error, "sqlite_errorcode", None)
    if isinstance(sqlite, int):
        return _SQLITE.get(sqlite & _PRIMARY)
    state = getattr(error, "sqlstate", None)
    if isinstance(state, str):
        return _POSTGRESQL.get(state) or _POSTGRESQL.get(state[:2])
    kinds = {(kind.__module__.partition(".")[0], kind.__name__) for kind in type(error).__mro__}
    if kinds & _UNANSWERED:
        return UNREACHABLE
    return EXHAUSTED if _POOL_EMPTY in kinds else None


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error, what it was raised from, what that was raised from, and so on."""
    found: BaseException | None = error
    while found is not None:
        yield found
        found = found.__cause__

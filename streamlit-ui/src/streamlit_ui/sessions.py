"""Who is signed in, kept in this process: the browser holds an id that it cannot read, never a token.

A page cannot set a cookie over Streamlit's WebSocket. So a sign-in yields a *ticket*, good once and for
seconds, which the page trades for an HttpOnly cookie at `POST /session` (`server.py`). A reload brings that
cookie, and with it the session.
"""

import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from urllib.parse import urlsplit

from streamlit_ui.contract.types import Role

COOKIE = "loopkeeper_session"
TICKET_LIFE_S = 30.0
_ROLES: tuple[Role, ...] = ("user", "engineer", "maintainer")


def is_from_own_page(headers: Mapping[str, str]) -> bool:
    """Say whether a request with a cookie was made by one of these pages, and not by a page elsewhere."""
    return urlsplit(headers.get("origin", "")).netloc == headers.get("host")


def includes(role: Role, needed: Role) -> bool:
    """Say whether a role may do what another may: each includes the ones before."""
    return _ROLES.index(role) >= _ROLES.index(needed)


@dataclass(frozen=True)
class Session:
    """One person, signed in."""

    username: str
    role: Role
    token: str = field(repr=False)
    expires_at: float
    """Seconds since the epoch."""
    id: str = field(repr=False, default_factory=lambda: secrets.token_urlsafe(32))


class Sessions:
    """Every open session of this process."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        """Begin with nobody signed in."""
        self._clock = clock
        self._lock = threading.Lock()
        self._open: dict[str, Session] = {}
        self._tickets: dict[str, tuple[float, str]] = {}

    def open(self, session: Session) -> str:
        """Keep a session and return a ticket for its cookie."""
        ticket = secrets.token_urlsafe(32)
        with self._lock:
            self._forget_what_ended()
            self._open[session.id] = session
            self._tickets[ticket] = (self._clock() + TICKET_LIFE_S, session.id)
        return ticket

    def claim(self, ticket: str) -> Session | None:
        """Return the session of a ticket, once."""
        with self._lock:
            until, session = self._tickets.pop(ticket, (0.0, ""))
        return self.find(session) if self._clock() < until else None

    def find(self, session: str | None) -> Session | None:
        """Return an open session by its id."""
        with self._lock:
            found = self._open.get(session or "")
        return found if found and self._clock() < found.expires_at else None

    def seconds_left(self, session: Session) -> int:
        """Return how long a session still lasts."""
        return max(int(session.expires_at - self._clock()), 0)

    def close(self, session: str) -> None:
        """Forget a session."""
        with self._lock:
            self._open.pop(session, None)

    def _forget_what_ended(self) -> None:
        now = self._clock()
        self._open = {key: found for key, found in self._open.items() if now < found.expires_at}
        self._tickets = {key: found for key, found in self._tickets.items() if now < found[0]}


@cache
def sessions() -> Sessions:
    """Return this process's sessions: the pages and the HTTP routes share them."""
    return Sessions()

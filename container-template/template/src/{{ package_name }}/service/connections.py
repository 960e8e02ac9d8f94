"""How many connections a server holds, and which has to go when there are too many.

Whoever opens connections and never finishes a request costs a file each, and a process has only so many: it
then answers nobody. So a connection on which the server waits for the client is closed after a while, and the
one of which it has heard nothing for longest when a new one needs its place. A request that arrived whole is
never given up.
"""

import json
import resource
from collections.abc import Iterator
from time import monotonic
from typing import Protocol

import structlog

from .errors import MEDIA_TYPE, NotReady

HEAD_S = 10.0
"""How long a client may take for the head of a request, from the first moment of its connection."""
BODY_S = 75.0
"""How long nothing of a body may arrive; whoever reads an upload gives up a little earlier, and says so."""
MOST_FILES = 65_536
MOST_CONNECTIONS = 4_096
"""About 60 MB of memory; a client beyond it is usually one of a thousand replicas, or no friend."""
_WARN_EVERY_S = 10.0
log = structlog.get_logger(__name__)


class Connection(Protocol):
    """What is known of a connection on which the server waits for its client."""

    heard_at: float
    """When it last sent anything, in monotonic seconds."""
    head_since: float | None
    """When the head that it has not finished began, None while none is under way."""
    between: bool
    """Its requests so far are answered, and no other has begun."""

    def paused(self) -> bool:
        """Tell whether it is the server that does not read at the moment."""

    def hang_up(self) -> None:
        """Close the connection at once."""


class Connections:
    """The connections of a server on which it waits for the client, the one heard of longest ago first."""

    def __init__(self, limit: int) -> None:
        """Hold at most `limit` connections."""
        self.limit = limit
        self.waiting: dict[Connection, None] = {}
        self._warned_at = -_WARN_EVERY_S

    def wait_for(self, connection: Connection) -> None:
        """Note that something was heard of a connection and more is awaited."""
        self.waiting.pop(connection, None)
        self.waiting[connection] = None

    def settle(self, connection: Connection) -> None:
        """Note that nothing is awaited of a connection any more."""
        self.waiting.pop(connection, None)

    def make_room(self, held: int, newest: Connection) -> bool:
        """Close a connection if there are too many of them; return whether the newest may stay.

        One with an unfinished request goes first, then one that was kept for the next request.
        """
        if held <= self.limit:
            return True
        now = monotonic()
        if now - self._warned_at >= _WARN_EVERY_S:
            self._warned_at = now
            log.warning("connections_full", limit=self.limit, unfinished=len(self.waiting))
        victim = next(self._expendable(newest), None)
        if victim is None:
            return False
        self.settle(victim)
        victim.hang_up()
        return True

    def sweep(self, keep_alive_s: float) -> None:
        """Close what was awaited for too long; call it every second or so."""
        now = monotonic()
        for connection in list(self.waiting):
            if connection.head_since is not None:
                late = now - connection.head_since > HEAD_S
            elif connection.between:
                late = now - connection.heard_at > keep_alive_s
            else:
                late = now - connection.heard_at > BODY_S and not connection.paused()
            if late:
                self.settle(connection)
                connection.hang_up()

    def _expendable(self, newest: Connection) -> Iterator[Connection]:
        kept = None
        for connection in self.waiting:
            if connection is newest or connection.paused():
                continue
            if not connection.between:
                yield connection
            kept = kept or connection
        if kept is not None:
            yield kept


def raise_file_limit() -> int:
    """Raise the number of files that this process may have open as far as it may; return the number."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        soft = wanted
    return MOST_FILES if soft == resource.RLIM_INFINITY else soft


def connection_limit(files: int) -> int:
    """Return how many connections a process with so many files may hold: half are for its own work."""
    return min(files // 2, MOST_CONNECTIONS)


def refusal() -> bytes:
    """Return the answer to a connection that finds no place, head and body."""
    problem = NotReady("Every connection of this service is in use; try again.", retry_after=1)
    body = json.dumps(problem.body()).encode()
    headers = {
        "Content-Type": MEDIA_TYPE,
        "Content-Length": str(len(body)),
        "Connection": "close",
        **problem.headers,
    }
    lines = [
        f"HTTP/1.1 {problem.status} {problem.title}",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body

"""A run's events, page by page, from the data-processor's long poll.

Refused   the processor gave another answer than events, usually that there is no such run
Away      the processor cannot be reached, and has been waited for long enough
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import NamedTuple

import msgspec

from pipeline_api.auth.verifier import Verified
from pipeline_api.connection_pool import UpstreamResponse
from pipeline_api.service.errors import UpstreamSlow, UpstreamUnreachable
from pipeline_api.upstream import Upstream

PATIENCE_S = 60
"""How long the processor may be unreachable before it counts as away."""
GRACE_S = 10
"""How long an answer may take beyond the time it was asked to wait."""
FIRST_PAUSE_S = 0.25
LONGEST_PAUSE_S = 5

_OK = 200
_SERVER_ERROR = 500


class Event(NamedTuple):
    """One event, as it is sent to whoever watches."""

    seq: int
    text: str


class Page(NamedTuple):
    """The events that follow one another after a known one."""

    events: list[Event]
    closed: bool
    """The run has ended and these are its last events."""


class Refused(Exception):
    """The processor gave another answer than events."""

    def __init__(self, answer: UpstreamResponse) -> None:
        """Keep the answer, for whoever asked."""
        super().__init__(f"The data-processor answered {answer.status}.")
        self.answer = answer


class Away(Exception):
    """The processor cannot be reached, and has been waited for long enough."""


class _Page(msgspec.Struct):
    events: list[msgspec.Raw]
    closed: bool


class _Event(msgspec.Struct):
    seq: int


_page = msgspec.json.Decoder(_Page)
_event = msgspec.json.Decoder(_Event)


class EventPages:
    """The events of one run; each page is asked for in the name of somebody who may read it."""

    def __init__(self, upstream: Upstream, path: str) -> None:
        """Ask the processor at the path of the run's events."""
        self._upstream = upstream
        self._path = path

    async def page(self, caller: Verified, after: int, wait_s: float) -> Page:
        """Return the events after number `after`, waiting at most `wait_s` for the first of them.

        Raises `Refused`, and `UpstreamUnreachable` or `UpstreamSlow` without an answer.
        """
        answer = await self._upstream.request(
            "GET",
            f"{self._path}?after={after}&wait={wait_s:g}",
            headers=self._upstream.headers(caller),
            timeout_s=wait_s + GRACE_S,
            long_poll=True,
        )
        if answer.status != _OK:
            raise Refused(answer)
        page = _page.decode(answer.body)
        return Page([_as_event(raw) for raw in page.events], page.closed)


async def patiently(ask: Callable[[], Awaitable[Page]]) -> Page:
    """Ask for a page until there is an answer, through a restart of the processor.

    Raises `Away` if it takes too long, or if the answer is not for repeating.
    """
    pause = FIRST_PAUSE_S
    loop = asyncio.get_running_loop()
    deadline = loop.time() + PATIENCE_S
    while loop.time() < deadline:
        with contextlib.suppress(UpstreamUnreachable, UpstreamSlow):
            try:
                return await ask()
            except Refused as refused:
                if refused.answer.status < _SERVER_ERROR:
                    raise Away from refused
        await asyncio.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE_S)
    raise Away


def _as_event(raw: msgspec.Raw) -> Event:
    return Event(_event.decode(raw).seq, bytes(raw).decode())

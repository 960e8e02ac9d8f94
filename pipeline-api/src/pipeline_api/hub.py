"""Watchers of one run share one reader of the data-processor's long poll, and its recent events.

However many watch a run, the processor is asked by one. What it answers is kept for a while: whoever comes
later, or is slower, finds it here, and asks the processor only for what is older. Nobody waits for anybody:
each watcher takes what follows the last event it sent, at its own pace.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Iterator
from contextvars import Context
from functools import partial
from itertools import takewhile

import structlog

from pipeline_api.auth.verifier import Verified
from pipeline_api.event_pages import Away, Event, EventPages, Page, patiently
from pipeline_api.routing import path_of
from pipeline_api.upstream import Upstream

WAIT_S = 10
"""How long the processor may wait for the next event before it answers that there is none."""
PACE_S = 0.05
"""The least time between two questions: events in quick succession come together."""
RECENT_BYTES = 32 * 1024**2
"""For recent events, shared equally by the runs that are watched; each keeps its newest page besides."""
EVENT_BYTES = 200
"""What an event costs beyond its text."""

log = structlog.get_logger(__name__)


class Watcher:
    """One of those who watch a run."""

    def __init__(self, hub: "Hub", caller: Verified) -> None:
        """Watch in somebody's name."""
        self._hub = hub
        self.caller = caller

    async def first(self, after: int) -> Page:
        """Return at once what there is after an event, even if it is nothing.

        Raises `Refused` if the processor does, and `UpstreamUnreachable` or `UpstreamSlow`.
        """
        return self._hub.recall(after) or await self._hub.ask(self.caller, after)

    async def next(self, after: int) -> Page:
        """Return what follows an event as soon as there is anything; raises `Away`."""
        return await self._hub.next(self.caller, after)


class Hub:
    """What those who watch one run share."""

    def __init__(self, pages: EventPages, share: Callable[[], int]) -> None:
        """Know nothing yet; the reader begins when somebody waits. `share`: bytes for recent events."""
        self.watchers: dict[Watcher, None] = {}
        self._pages = pages
        self._share = share
        self._recent: deque[Event] = deque()
        self._size = 0
        self._start: int | None = None
        """The number of the event before the first of the recent ones."""
        self._end = 0
        """The number of the last event."""
        self._closed = False
        self._news = asyncio.Event()
        self._asked: dict[int, asyncio.Task[Page]] = {}
        """Who asks the processor what is after which event."""
        self._reader: asyncio.Task[None] | None = None
        self.error: BaseException | None = None
        """What ended the reader before its time."""

    def recall(self, after: int) -> Page | None:
        """Return the recent events after one; None if they do not reach back so far."""
        if self._start is None or after < self._start:
            return None
        newer = list(takewhile(lambda event: event.seq > after, reversed(self._recent)))
        return Page(newer[::-1], self._closed)

    async def ask(self, caller: Verified, after: int) -> Page:
        """Return what the processor has after an event at this moment; whoever asks the same shares it.

        Raises `Refused`, `UpstreamUnreachable` or `UpstreamSlow`.
        """
        asked = self._asked.get(after)
        if asked is None:
            asked = self._asked[after] = asyncio.create_task(self._ask(caller, after))
            asked.add_done_callback(lambda task: self._answered(after, task))
        return await asyncio.shield(asked)

    async def next(self, caller: Verified, after: int) -> Page:
        """Return what follows an event as soon as there is anything; raises `Away`."""
        while True:
            page = self.recall(after)
            if page is None:
                page = await patiently(partial(self.ask, caller, after))
            elif not page.events and not page.closed:
                await self._wait()
            if page.events or page.closed:
                return page

    def stop(self) -> None:
        """Stop the reader; whoever waits next starts it again."""
        if self._reader is not None:
            self._reader.cancel()
            self._reader = None

    async def _ask(self, caller: Verified, after: int) -> Page:
        page = await self._pages.page(caller, after, wait_s=0)
        self._take(after, page)
        return page

    def _answered(self, after: int, asked: asyncio.Task[Page]) -> None:
        del self._asked[after]
        if not asked.cancelled():
            asked.exception()  # whoever asked may be gone; then nobody else looks at it

    async def _wait(self) -> None:
        if self.error is not None:
            raise Away from self.error
        if self._reader is None:
            # In a context of its own: it is no part of the trace of whoever came first.
            self._reader = asyncio.create_task(self._read(), context=Context())
            self._reader.add_done_callback(self._ended)
        await self._news.wait()

    async def _read(self) -> None:
        while not self._closed:
            await patiently(self._read_on)
            await asyncio.sleep(PACE_S)

    async def _read_on(self) -> Page:
        after = self._end
        page = await self._pages.page(self._anybody(), after, WAIT_S)
        self._take(after, page)
        return page

    def _anybody(self) -> Verified:
        """Return whoever has watched longest: their credential is checked every second."""
        return next(iter(self.watchers)).caller

    def _ended(self, reader: asyncio.Task[None]) -> None:
        if reader.cancelled():
            return
        self.error = reader.exception()
        if self.error is not None and not isinstance(self.error, Away):
            log.error("run_events_failed", exc_info=self.error)
        self._tell()

    def _take(self, after: int, page: Page) -> None:
        """Keep a page, whoever asked for it, if it continues what is kept."""
        if self._start is None or (after < self._start and not page.events):
            # Nothing is there after this event, so whoever made the reader begin later knew a wrong number.
            self.stop()
            self._recent.clear()
            self._size = 0
            self._start = self._end = after
            self._closed = False
        if after > self._end:
            return
        while self._size > self._share():
            oldest = self._recent.popleft()
            self._size -= len(oldest.text) + EVENT_BYTES
            self._start = oldest.seq
        for event in page.events:
            if event.seq > self._end:
                self._recent.append(event)
                self._size += len(event.text) + EVENT_BYTES
                self._end = event.seq
        self._closed = self._closed or page.closed
        self._tell()

    def _tell(self) -> None:
        self._news.set()
        self._news = asyncio.Event()


class Hubs:
    """The hubs of the runs that somebody watches at the moment."""

    def __init__(self, upstream: Upstream) -> None:
        """Read from this processor."""
        self._upstream = upstream
        self._hubs: dict[str, Hub] = {}

    @contextlib.contextmanager
    def watch(self, run: str, caller: Verified) -> Iterator[Watcher]:
        """Take part in a run's hub inside the block; raises `NotFound` for what cannot be a run."""
        path = path_of("v1", "runs", run, "events")
        hub = self._hubs.get(path)
        if hub is None or hub.error is not None:
            hub = self._hubs[path] = Hub(EventPages(self._upstream, path), self._share)
        watcher = Watcher(hub, caller)
        hub.watchers[watcher] = None
        try:
            yield watcher
        finally:
            del hub.watchers[watcher]
            if not hub.watchers:
                hub.stop()
                if self._hubs.get(path) is hub:
                    del self._hubs[path]

    def _share(self) -> int:
        return RECENT_BYTES // max(len(self._hubs), 1)

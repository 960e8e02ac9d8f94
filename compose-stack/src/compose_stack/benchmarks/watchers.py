"""Watchers of a run as a process of their own: `watchers.py`, told by lines on its standard input.

Each line is JSON. `{"open": Job}` opens WebSockets and is answered once each has received something;
`{"close": true}` closes them, and `{"end": true}` waits until the gateway has, because the run is finished;
both are answered by what they saw, a `Seen`.
"""

import asyncio
import json
import sys
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

CATCH_UP_S = 60.0


@dataclass(frozen=True)
class Job:
    """Who watches what."""

    url: str
    """Of the run's events, `ws://…`."""
    headers: Mapping[str, str]
    count: int
    after: int
    """The number of the last event that they know."""


@dataclass
class Seen:
    """What watchers saw."""

    events: int = 0
    """Over all of them."""
    last: list[int] = field(default_factory=list)
    """By watcher, the number of the last event."""
    gaps: int = 0
    """Events that were missing, or came twice."""
    late_ms: list[float] = field(default_factory=list)
    """From an event's record to its arrival, of those that came once every watcher had received something."""


class Watchers:
    """Watchers of one run."""

    def __init__(self, job: Job) -> None:
        """Watch nothing yet."""
        self._job = job
        self._open = AsyncExitStack()
        self._reading: list[asyncio.Task[None]] = []
        self._waiting = set(range(job.count))
        self._live = asyncio.Event()
        self.seen = Seen(last=[job.after] * job.count)

    async def open(self) -> None:
        """Open the WebSockets, and wait until each has received something."""
        for number in range(self._job.count):
            address = f"{self._job.url}?after={self._job.after}"
            connecting = connect(
                address, additional_headers=self._job.headers, proxy=None, max_size=None, max_queue=None
            )
            websocket = await self._open.enter_async_context(connecting)
            self._reading.append(asyncio.create_task(self._read(number, websocket)))
        async with asyncio.timeout(CATCH_UP_S):
            await self._live.wait()

    async def end(self) -> None:
        """Wait until the gateway has closed every WebSocket, but not for ever."""
        await asyncio.wait(self._reading, timeout=CATCH_UP_S)

    async def close(self) -> Seen:
        """Close the WebSockets, and return what was seen."""
        for task in self._reading:
            task.cancel()
        await asyncio.gather(*self._reading, return_exceptions=True)
        await self._open.aclose()
        return self.seen

    async def _read(self, number: int, websocket: ClientConnection) -> None:
        seen = self.seen
        async for message in websocket:
            now = time.time()
            event = json.loads(message)
            seen.gaps += event["seq"] != seen.last[number] + 1
            seen.last[number] = event["seq"]
            seen.events += 1
            if self._live.is_set():
                at = datetime.fromisoformat(event["at"]).timestamp()
                seen.late_ms.append(1000 * (now - at))
            self._waiting.discard(number)
            if not self._waiting:
                self._live.set()


async def main() -> None:
    """Do what each line says."""
    while line := await asyncio.to_thread(sys.stdin.readline):
        watchers = Watchers(Job(**json.loads(line)["open"]))
        await watchers.open()
        _answer({"open": len(watchers.seen.last)})
        words = json.loads(await asyncio.to_thread(sys.stdin.readline) or "{}")
        if words.get("end"):
            await watchers.end()
        _answer(asdict(await watchers.close()))


def _answer(found: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(found) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main())

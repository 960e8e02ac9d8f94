"""A request body that is passed on piece by piece, as fast as the processor accepts it, and never held."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from starlette.types import Receive, Scope

from pipeline_api.service.errors import BadRequest

INCOMPLETE = "The request ended before its body was complete."
STALLED_S = 60
"""A client that sends nothing for this long counts as gone."""


class Upload:
    """The body of one request, on its way to the processor."""

    def __init__(self, scope: Scope, receive: Receive) -> None:
        """Prepare to pass on a request's body; its length is the announced one, if any."""
        found = [value for name, value in scope["headers"] if name == b"content-length"]
        # The server has checked that it is one number, and enforces it.
        self.length: str | None = found[0].decode("latin-1") if found else None
        self.error: Exception | None = None
        """What went wrong with the body, if anything."""
        self._receive = receive
        self._whole = asyncio.Event()

    async def pieces(self, deadline: asyncio.Timeout, timeout_s: float) -> AsyncIterator[bytes]:
        """Yield the body piece by piece, and postpone a deadline with each."""
        more = True
        while more:
            try:
                async with asyncio.timeout(STALLED_S):
                    message = await self._receive()
                if message["type"] == "http.disconnect":
                    raise BadRequest(INCOMPLETE)  # noqa: TRY301  # recorded like every other error
            except TimeoutError as error:
                self.error = BadRequest(f"Nothing arrived for {STALLED_S} s; send the whole body again.")
                raise self.error from error
            except Exception as error:
                self.error = error
                raise
            if not deadline.expired():
                with contextlib.suppress(RuntimeError):  # the answer came before the end of the request
                    deadline.reschedule(asyncio.get_running_loop().time() + timeout_s)
            more = message.get("more_body", False)
            if body := message.get("body", b""):
                yield body
        self._whole.set()

    async def hung_up(self) -> None:
        """Return when the client has sent the whole body, and hung up before it had an answer."""
        await self._whole.wait()
        while (await self._receive())["type"] != "http.disconnect":
            continue

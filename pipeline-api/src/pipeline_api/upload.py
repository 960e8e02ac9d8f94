"""A body that is passed on piece by piece, as fast as the processor takes it: no more of it is ever here."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from starlette.types import Receive, Scope

from pipeline_api.service.errors import BadRequest

BROKE_OFF = "The request broke off before its end."
STANDSTILL_S = 60
"""A client that sends nothing for so long has gone."""


class Upload:
    """The body of one request, on its way."""

    def __init__(self, scope: Scope, receive: Receive) -> None:
        """Pass on what a request receives; its length is the one it announced, if it did."""
        found = [value for name, value in scope["headers"] if name == b"content-length"]
        # The server has made sure that it is one number, and that no other length comes.
        self.length: str | None = found[0].decode("latin-1") if found else None
        self.error: Exception | None = None
        """What went wrong with the body, if anything did."""
        self._receive = receive

    async def pieces(self, deadline: asyncio.Timeout, timeout_s: float) -> AsyncIterator[bytes]:
        """Yield the body, and put a deadline off with each piece."""
        more = True
        while more:
            try:
                async with asyncio.timeout(STANDSTILL_S):
                    message = await self._receive()
                if message["type"] == "http.disconnect":
                    raise BadRequest(BROKE_OFF)  # noqa: TRY301  # it is kept like all others
            except TimeoutError as error:
                self.error = BadRequest(f"Nothing came for {STANDSTILL_S} s; send the whole body again.")
                raise self.error from error
            except Exception as error:
                self.error = error
                raise
            if not deadline.expired():
                with contextlib.suppress(RuntimeError):  # the answer came before the end of the question
                    deadline.reschedule(asyncio.get_running_loop().time() + timeout_s)
            more = message.get("more_body", False)
            if body := message.get("body", b""):
                yield body

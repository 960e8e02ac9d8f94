"""uvicorn's HTTP protocol, which waits for nobody for ever, and sends head and body in one piece.

uvicorn closes a connection that is idle between two requests, and no other: one on which a request is never
finished stays open. Here the server's `Connections` know what is waited for.

It writes a response's head and the beginning of its body one after the other. Each write is a system call
that wakes up the client, which then finds half an answer: on two busy cores that cost a tenth of the requests
per second.
"""

import asyncio
from time import monotonic
from typing import Any, cast

from typing_extensions import override
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from .connections import Connections, refusal

_HEAD = b"HTTP/1.1 "


class GuardedState(ServerState):
    """What the connections of a server share."""

    def __init__(self, guarded: Connections) -> None:
        super().__init__()
        self.guarded = guarded


class GuardedProtocol(HttpToolsProtocol):
    """Speak HTTP on a connection that may be closed when its client is silent (see `Connection`)."""

    @override
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        self._guarded = cast("GuardedState", self.server_state).guarded
        self._whole = self._upgraded = self.between = False
        self.heard_at = monotonic()
        self.head_since: float | None = self.heard_at
        holding = HeadHoldingTransport(transport, self.loop)
        super().connection_made(cast("asyncio.Transport", holding))
        if self._guarded.make_room(len(self.connections), self):
            self._guarded.wait_for(self)
        else:
            self.transport.write(refusal())
            self.transport.close()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._guarded.settle(self)
        super().connection_lost(exc)

    @override
    def data_received(self, data: bytes) -> None:
        self.heard_at = monotonic()
        super().data_received(data)
        self._account()

    @override
    def on_message_begin(self) -> None:
        self._whole = self.between = False
        if self.head_since is None:
            self.head_since = self.heard_at
        super().on_message_begin()

    @override
    def on_headers_complete(self) -> None:
        self.head_since = None
        super().on_headers_complete()

    @override
    def on_message_complete(self) -> None:
        self._whole = True
        super().on_message_complete()

    @override
    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._account()

    @override
    def handle_websocket_upgrade(self) -> None:
        super().handle_websocket_upgrade()
        self._upgraded = True

    def paused(self) -> bool:
        """Tell whether it is the server that does not read at the moment."""
        return self.flow.read_paused

    def hang_up(self) -> None:
        """Close the connection at once."""
        self.connections.discard(self)
        self.transport.abort()

    def _account(self) -> None:
        """Tell the server's connections whether anything is awaited of this one."""
        if self._upgraded or self.transport.is_closing():
            self._guarded.settle(self)
        elif not self._whole:
            self._guarded.wait_for(self)
        elif self.cycle.response_complete:
            self.between, self.heard_at = True, monotonic()
            self._guarded.wait_for(self)
        else:
            self._guarded.settle(self)


class HeadHoldingTransport:
    """A transport that sends a response's head with the next write, at the latest in the loop's next turn."""

    __slots__ = ("_head", "_loop", "_transport")

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._head = b""

    def write(self, data: bytes) -> None:
        """Send, or hold back the head of a response."""
        if self._head:
            head, self._head = self._head, b""
            self._transport.writelines((head, data) if data else (head,))
        elif data.startswith(_HEAD):
            self._head = data
            self._loop.call_soon(self._release)
        else:
            self._transport.write(data)

    def close(self) -> None:
        """Send what is held back, then close."""
        self._release()
        self._transport.close()

    def __getattr__(self, name: str) -> Any:
        """Be the transport in everything else."""
        return getattr(self._transport, name)

    def _release(self) -> None:
        if self._head:
            head, self._head = self._head, b""
            self._transport.write(head)

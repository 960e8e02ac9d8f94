"""What happens in a run, as the platform tells it: nothing is missed, and nothing comes twice.

Trouble           something that its user must change or wait for; the message says what
└─ RefusedError   the platform answered that it will not do it, and why
"""

import asyncio
import contextlib
import json
import ssl
import time
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import urllib3
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

Event = Mapping[str, Any]

FINISHED = 1000
LAST_SUCCESS = 299
PASSING = frozenset({429, 502, 503, 504})
"""Answers after which it is tried again."""
FINAL = frozenset({4401, 4403})
"""Close codes after which it is not: the credential is no longer valid, or its role no longer suffices."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.25, 5.0
TIMEOUT_S = 10.0


class Trouble(Exception):
    """Something must change before it can go on; the message says what."""


class RefusedError(Trouble):
    """The platform answered with an error."""

    def __init__(self, status: int, body: bytes) -> None:
        """Say what the answer says, which is a problem (RFC 9457) if it is the platform's."""
        self.status = status
        try:
            detail = str(json.loads(body)["detail"])
        except (ValueError, KeyError, TypeError):
            detail = "the answer says no more"
        super().__init__(f"The platform refused it ({status}): {detail}")


class Feed:
    """The platform's API, for whoever watches a run."""

    def __init__(self, url: str, key: str, ca_file: Path | None, patience_s: float) -> None:
        """Ask the API at `url` with a key; without a connection, give up after `patience_s`."""
        address = urlsplit(url)
        if address.scheme not in {"http", "https"} or not address.hostname:
            raise Trouble("The API's address is http://HOST[:PORT] or https://….")
        if address.username or address.password or address.query:
            raise Trouble("The API's address has no user, password or query in it: the key is in API_KEY.")
        if not (key.isascii() and key.isprintable()):
            raise Trouble("API_KEY is no key: it has characters that none has.")
        tls = address.scheme == "https"
        self._base = f"{address.scheme}://{address.netloc}{address.path.rstrip('/')}"
        self._headers = {"Authorization": f"Bearer {key}"}
        self._patience_s = patience_s
        try:
            self._tls = ssl.create_default_context(cafile=ca_file) if tls else None
        except OSError as error:
            raise Trouble(f"The certificates in {ca_file} cannot be read: {error}.") from error
        self._pool = urllib3.PoolManager(ssl_context=self._tls, timeout=TIMEOUT_S, retries=False)

    def get(self, *segments: str, **query: str) -> Any:
        """Return what is at a path of the API; raise Trouble."""
        url = f"{self._base}{_path(segments)}" + (f"?{urlencode(query)}" if query else "")
        try:
            answer = self._pool.request("GET", url, headers=self._headers, redirect=False)
        except urllib3.exceptions.HTTPError as error:
            raise Trouble(f"{self._base} cannot be reached: {type(error).__name__}.") from error
        if answer.status > LAST_SUCCESS:
            raise RefusedError(answer.status, answer.data)
        return answer.json()

    async def events(self, run: str, tell: Callable[[str | None], None]) -> AsyncIterator[Event]:
        """Yield every event of a run from its first, until the run has ended; raise Trouble.

        A connection that is lost is opened again after the last event seen: `tell` hears why it was lost, and
        None once there is another.
        """
        url = self._base.replace("http", "ws", 1) + _path(("v1", "runs", run, "events"))
        after, pause, gave_up_at = 0, FIRST_PAUSE_S, time.monotonic() + self._patience_s
        while True:
            try:
                async with connect(
                    f"{url}?after={after}",
                    additional_headers=self._headers,
                    ssl=self._tls,
                    proxy=None,
                    max_size=None,
                ) as websocket:
                    tell(None)
                    async for event in _received(websocket, after):
                        after, pause = event["seq"], FIRST_PAUSE_S
                        yield event
                    if websocket.close_code == FINISHED:
                        return
                    lost = websocket.close_reason or f"it was closed with {websocket.close_code}"
                gave_up_at = time.monotonic() + self._patience_s
            except InvalidStatus as error:
                refused = RefusedError(error.response.status_code, bytes(error.response.body or b""))
                if refused.status not in PASSING:
                    raise refused from error
                lost = str(refused)
            except (OSError, WebSocketException) as error:  # a timeout is one of the first
                lost = f"{self._base} cannot be reached: {type(error).__name__}"
            lost = f"{lost.rstrip('.')}."
            if time.monotonic() > gave_up_at:
                raise Trouble(f"There was no connection for {self._patience_s:g} s. Last: {lost}")
            tell(lost)
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_S)


async def _received(websocket: ClientConnection, after: int) -> AsyncIterator[Event]:
    """Yield the events that come after a known one, until the connection is closed; raise Trouble."""
    with contextlib.suppress(ConnectionClosed):
        async for message in websocket:
            event = json.loads(message)
            if event["seq"] > after:
                yield event
    if websocket.close_code in FINAL:
        raise Trouble(f"The platform closed the connection: {websocket.close_reason}")


def _path(segments: tuple[str, ...]) -> str:
    return "".join(f"/{quote(segment, safe='')}" for segment in segments)

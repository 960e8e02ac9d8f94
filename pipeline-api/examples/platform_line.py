"""A line to the platform over MQTT 5: requests with a response topic and correlation data.

Trouble           something that its user must change or wait for; the message says what
└─ RefusedError   the platform answered that it will not do it, and why
"""

import asyncio
import contextlib
import json
import socket
import ssl
from typing import Any, Literal, NamedTuple, Self
from urllib.parse import urlsplit
from uuid import uuid4

import aiomqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

REPEAT_S = 6.0
"""Without an answer for this long, a request is sent again: it is done once, however often it comes."""
PAUSE_S = 1.0
UNWELCOME = (134, 135)
"""What a broker says to a wrong password, and to whom it does not want."""


class Way(NamedTuple):
    """How a broker is reached."""

    transport: Literal["tcp", "websockets"]
    port: int
    tls: bool


WAYS = {
    "mqtt": Way("tcp", 1883, tls=False),
    "mqtts": Way("tcp", 8883, tls=True),
    "ws": Way("websockets", 80, tls=False),
    "wss": Way("websockets", 443, tls=True),
}


class Trouble(Exception):
    """Something must change before it can go on; the message says what."""


class RefusedError(Trouble):
    """The platform answered a request with an error."""


def authorities(ca_file: str | None) -> ssl.SSLContext:
    """Return whom to trust: the authorities that this machine knows and those in a file; raise Trouble."""
    trusted = ssl.create_default_context()
    try:
        if ca_file:
            trusted.load_verify_locations(ca_file)
    except OSError as error:
        raise Trouble(f"The certificates in {ca_file} cannot be read: {error}.") from error
    return trusted


class Line:
    """The line to the platform: it is mended when it breaks, and what was asked is asked again."""

    def __init__(
        self, url: str, device: str, password: str, trusted: ssl.SSLContext, patience_s: float
    ) -> None:
        """Speak to the broker at `url` as a device; `async with` hangs up in the end."""
        address = urlsplit(url)
        way = WAYS.get(address.scheme)
        if way is None or not address.hostname:
            raise Trouble(
                "The broker's address is mqtt://HOST[:PORT], mqtts://… with TLS, or ws://… or wss://… for "
                f"MQTT over WebSocket, not {url!r}."
            )
        self._url, self._device, self._patience_s = url, device, patience_s
        self._replies = f"replies/{device}/{uuid4().hex[:8]}"
        self._options: dict[str, Any] = {
            "hostname": address.hostname,
            "port": address.port or way.port,
            "transport": way.transport,
            "websocket_path": address.path or "/mqtt",
            "username": device,
            "password": password,
            "protocol": aiomqtt.ProtocolVersion.V5,
            # Small messages are sent at once: else each may wait 40 ms for an acknowledgement.
            "socket_options": [(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)],
            "tls_context": trusted if way.tls else None,
        }
        self._client: aiomqtt.Client | None = None
        self._open = contextlib.AsyncExitStack()
        self._broken: str | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._hang_up()

    async def ask(self, about: str, feature: str, **fields: Any) -> dict[str, Any]:
        """Ask for a feature of a model or a service until there is an answer; return its fields.

        Raises RefusedError for an error, and Trouble if there is no answer in time.
        """
        request = uuid4().hex
        topic, payload = f"{about}/actions/{feature}/{self._device}", json.dumps({"$id": request, **fields})
        try:
            async with asyncio.timeout(self._patience_s):
                while True:
                    with contextlib.suppress(TimeoutError):
                        return _checked(await self._ask_once(topic, payload, request.encode()))
        except TimeoutError as error:
            why = self._broken or "nobody answers there"
            raise Trouble(
                f"There was no answer from {self._url} within {self._patience_s:g} s: {why}."
            ) from error

    async def _ask_once(self, topic: str, payload: str, correlation: bytes) -> dict[str, Any]:
        """Return the answer; raise TimeoutError when it is time to ask again."""
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        properties.ResponseTopic, properties.CorrelationData = self._replies, correlation
        try:
            client = await self._connected()
            await client.publish(topic, payload, qos=1, properties=properties)
            async with asyncio.timeout(REPEAT_S):
                async for message in client.messages:
                    if getattr(message.properties, "CorrelationData", None) == correlation:
                        answer: dict[str, Any] = json.loads(bytes(message.payload))
                        return answer
        except aiomqtt.MqttError as error:
            await self._mend(error)
        raise TimeoutError

    async def _connected(self) -> aiomqtt.Client:
        if self._client is None:
            client = await self._open.enter_async_context(aiomqtt.Client(**self._options))
            await client.subscribe(self._replies, qos=1)
            self._client, self._broken = client, None
        return self._client

    async def _mend(self, error: aiomqtt.MqttError) -> None:
        code = getattr(error, "rc", None)
        if getattr(code, "value", code) in UNWELCOME:
            raise Trouble(
                f"The broker does not let {self._device!r} in: the password is wrong, the device was "
                "revoked, or it was made a second ago and the broker does not know it yet."
            ) from error
        self._broken = str(error)
        await self._hang_up()
        await asyncio.sleep(PAUSE_S)

    async def _hang_up(self) -> None:
        self._client = None
        with contextlib.suppress(aiomqtt.MqttError):
            await self._open.aclose()


def _checked(answer: dict[str, Any]) -> dict[str, Any]:
    """Return an answer; raise RefusedError if it is an error."""
    if (error := answer.get("error")) is None:
        return answer
    told = [error["message"], *(one["message"] for one in error.get("errors", ()) if "message" in one)]
    # A problem's own text often ends in what its only field says.
    raise RefusedError(" ".join(one for place, one in enumerate(told) if one not in " ".join(told[:place])))

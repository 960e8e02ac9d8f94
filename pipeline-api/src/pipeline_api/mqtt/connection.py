"""One connection to the broker: MQTT 5, in a session that outlives it; what is done is acknowledged."""

import asyncio
import hmac
import logging
import socket
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiomqtt
from paho.mqtt import client as paho
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from pipeline_api.metrics import GatewayMetrics
from pipeline_api.mqtt.topics import SHARED
from pipeline_api.settings import Settings

KEEPALIVE_S = 20
TIMEOUT_S = 10.0
AT_ONCE = (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
"""Small messages are sent at once: else each may wait 40 ms for the one before to be acknowledged."""
_NOBODY_LISTENS = 0x10
_PORTS = {"mqtt": 1883, "mqtts": 8883}

# It warns of every message that it drops and of every busy moment: both are in metrics.
_quiet = logging.getLogger("mqtt")
_quiet.setLevel(logging.ERROR)


@dataclass(frozen=True, slots=True)
class Broker:
    """Where the broker is, and who the gateway is to it."""

    host: str
    port: int
    username: str
    password: str = field(repr=False)
    tls: bool
    ca_file: Path | None
    in_flight: int
    keep_s: int
    """How long it keeps the session while nobody is connected."""
    stage: str

    @classmethod
    def of(cls, settings: Settings) -> "Broker":
        """Return the broker of the settings; a password in a file is read now."""
        url = settings.mqtt_url
        if url is None:
            raise ValueError("MQTT_URL is not set.")
        secret = settings.mqtt_password
        password = secret.get_secret_value() if secret else _read(settings.mqtt_password_file)
        return cls(
            host=(url.host or "").strip("[]"),
            port=url.port or _PORTS[url.scheme],
            username=settings.mqtt_username,
            password=password,
            tls=url.scheme == "mqtts",
            ca_file=settings.mqtt_ca_file,
            in_flight=settings.mqtt_in_flight,
            keep_s=round(settings.mqtt_keep_hours * 3600),
            stage=settings.stage,
        )

    def identifier(self, number: int) -> str:
        """Return the name of a session: nobody else can guess it, and so take the session over."""
        name = f"{self.stage}-gateway-{number}"
        return f"{name}-{hmac.digest(self.password.encode(), name.encode(), 'sha256').hex()[:16]}"


class Connection(aiomqtt.Client):
    """One connection; what arrives is in `messages`, at most `in_flight` of which are not acknowledged."""

    def __init__(self, broker: Broker, number: int, metrics: GatewayMetrics) -> None:
        """Prepare to connect to a numbered session; `async with` connects."""
        connecting = _properties(PacketTypes.CONNECT)
        connecting.SessionExpiryInterval = broker.keep_s
        connecting.ReceiveMaximum = broker.in_flight
        super().__init__(
            broker.host,
            broker.port,
            username=broker.username,
            password=broker.password,
            identifier=broker.identifier(number),
            protocol=aiomqtt.ProtocolVersion.V5,
            socket_options=[AT_ONCE],
            clean_start=False,
            properties=connecting,
            keepalive=KEEPALIVE_S,
            timeout=TIMEOUT_S,
            tls_context=ssl.create_default_context(cafile=broker.ca_file) if broker.tls else None,
        )
        # The library acknowledges what it has handed over, and a crash would lose that.
        self._client.manual_ack_set(True)
        self._queue = _Inbox(broker.in_flight, metrics)
        self._unconfirmed: dict[int, asyncio.Future[ReasonCode]] = {}

    async def listen(self) -> None:
        """Have requests sent to this session, a share of them if there are others."""
        await self.subscribe([(topic, 1) for topic in SHARED])

    async def listen_no_more(self) -> None:
        """Have no new requests sent to this session."""
        await self.unsubscribe(list(SHARED))

    async def send(
        self, topic: str, payload: bytes, properties: Properties | None = None, *, retain: bool = False
    ) -> bool:
        """Return when the broker has a message: whether anybody listens; raise MqttError if it has not."""
        sent = self._client.publish(topic, payload, qos=1, retain=retain, properties=properties)
        if sent.rc:
            raise aiomqtt.MqttCodeError(sent.rc, "The message could not be sent.")
        confirmed = self._unconfirmed[sent.mid] = asyncio.get_running_loop().create_future()
        waiting: set[asyncio.Future[Any]] = {confirmed, self._disconnected}
        try:
            await asyncio.wait(waiting, timeout=TIMEOUT_S, return_when=asyncio.FIRST_COMPLETED)
        finally:
            del self._unconfirmed[sent.mid]
        if not confirmed.done():
            raise aiomqtt.MqttError("The broker did not confirm a message.")
        return bool(confirmed.result().value != _NOBODY_LISTENS)

    def _on_publish(
        self, client: paho.Client, userdata: Any, mid: int, reason_code: ReasonCode, properties: Properties
    ) -> None:
        """Note that the broker has a message; the library does not tell who listens."""
        del client, userdata, properties
        confirmed = self._unconfirmed.get(mid)
        if confirmed is not None and not confirmed.done():
            confirmed.set_result(reason_code)

    def acknowledge(self, message: aiomqtt.Message) -> None:
        """Tell the broker that a message of this connection is done; it would send it again otherwise."""
        if message.qos and not self._disconnected.done():
            self._client.ack(message.mid, message.qos)

    def arrived(self) -> aiomqtt.Message | None:
        """Return a message that has arrived, if there is one; raise MqttError if the connection is lost."""
        if self._disconnected.done():
            raise aiomqtt.MqttError("The connection was lost.")
        return None if self._queue.empty() else self._queue.get_nowait()

    async def leave(self, *, for_good: bool = False) -> None:
        """Disconnect; `for_good`: the broker forgets the session, too."""
        leaving = _properties(PacketTypes.DISCONNECT)
        if for_good:
            leaving.SessionExpiryInterval = 0
        self._client.disconnect(properties=leaving)
        await asyncio.wait({self._disconnected}, timeout=TIMEOUT_S)


class _Inbox(asyncio.Queue[aiomqtt.Message]):
    """What has arrived. The broker bounds it, except for messages without a guarantee (QoS 0)."""

    def __init__(self, limit: int, metrics: GatewayMetrics) -> None:
        super().__init__()
        self._limit = limit
        self._metrics = metrics

    def put_nowait(self, item: aiomqtt.Message) -> None:
        if item.qos == 0 and self.qsize() >= self._limit:
            self._metrics.unanswered.labels("backlog").inc()
            return
        super().put_nowait(item)


def answer_properties(correlation: bytes | None, traceparent: str) -> Properties:
    """Return the properties of an answer."""
    made = _properties(PacketTypes.PUBLISH)
    made.ContentType = "application/json"
    made.PayloadFormatIndicator = 1
    if correlation is not None:
        made.CorrelationData = correlation
    made.UserProperty = ("traceparent", traceparent)
    return made


def given(message: aiomqtt.Message, name: str) -> Any:
    """Return a property of a message, None if it has none of this name."""
    return getattr(message.properties, name, None) if message.properties else None


def traceparent_of(message: aiomqtt.Message) -> str | None:
    """Return the trace that a message says it is part of."""
    return next(
        (value for name, value in given(message, "UserProperty") or () if name == "traceparent"), None
    )


def _properties(packet: int) -> Properties:
    return Properties(packet)  # type: ignore[no-untyped-call]  # this one of the library has no types


def _read(file: Path | None) -> str:
    return file.read_text(encoding="utf-8").strip() if file else ""
